// Asking central: who we are, whether it can be reached, and what it says.

const PATIENCE_MS = 15_000;

export function csrf(cookies = document.cookie) {
  const found = cookies.split("; ").find((one) => one.startsWith("tp_csrf="));
  return found ? decodeURIComponent(found.slice(8)) : null;
}

// An answer as ``{status, answer, problem, headers, sentMs, receivedMs}``, or ``{lost: true}``.
export async function ask(path, { method = "GET", body = null, headers = {}, patienceMs = PATIENCE_MS } = {}) {
  const shown = csrf();
  const sent = { accept: "application/json", ...headers };
  if (body !== null) sent["content-type"] = "application/json";
  if (shown && method !== "GET") sent["x-csrf-token"] = shown;
  const sentMs = Date.now();
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method, headers: sent, body: body === null ? null : JSON.stringify(body),
      credentials: "same-origin", redirect: "error", cache: "no-store",
      signal: AbortSignal.timeout(patienceMs),
    });
    text = await answer.text();
  } catch {
    return { lost: true };
  }
  const said = read(text);
  return {
    status: answer.status,
    answer: answer.ok ? said : null,
    problem: answer.ok ? null : problemOf(said, answer.status),
    headers: answer.headers,
    retryAfterMs: Number(answer.headers.get("retry-after") ?? 0) * 1000 || 0,
    sentMs,
    receivedMs: Date.now(),
  };
}

function read(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function problemOf(said, status) {
  if (said?.detail) return { type: said.type, detail: said.detail };
  return { type: "about:blank", detail: `Central answered ${status} and did not say why.` };
}
