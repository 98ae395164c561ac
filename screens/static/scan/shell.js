// The service worker that keeps these pages on the phone, and the change to a newer version.

export async function register(onNewer) {
  if (!("serviceWorker" in navigator)) return null;
  const registration = await navigator.serviceWorker.register("/scan/worker.js", { scope: "/scan", updateViaCache: "none" });
  const offer = () => {
    const { waiting } = registration;
    if (!waiting || !navigator.serviceWorker.controller) return;
    onNewer(() => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage("take over");
    });
  };
  offer();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offer);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && navigator.onLine) registration.update().catch(() => null);
  });
  return registration;
}

export async function hasDecoder() {
  return "caches" in window && (await caches.keys()).some((name) => name.startsWith("scan-decoder-"));
}

// Ask the worker to keep the camera's decoder as well; whether it is there.
export async function keepDecoder() {
  const registration = await navigator.serviceWorker?.ready;
  if (!registration?.active) return false;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data === true);
    registration.active.postMessage("keep the decoder", [port2]);
  });
}
