// What a scanner's and a person's keys come to.
async () => {
  const { Wedge } = await import("/static/scan/wedge.js");
  const typed = (text, gapMs, end = "Enter") => {
    const wedge = new Wedge(); let at = 1000; let code = null;
    for (const one of text) code = wedge.key(one.length > 1 ? { key: one } : one === "\x1d" ? { key: "]", ctrlKey: true } : { key: one }, at += gapMs) ?? code;
    return wedge.key({ key: end }, at += gapMs) ?? code;
  };
  const alt = () => {
    const wedge = new Wedge(); let at = 0;
    const keys = [..."0195", ..."X"].map((key) => ({ key })).concat([{ key: "Alt" }, ...[..."029"].map((key) => ({ key, altKey: true }))], [..."17"].map((key) => ({ key })));
    for (const one of keys) wedge.key(one, at += 5);
    return wedge.key({ key: "Enter" }, at += 5);
  };
  const burstAfterTyping = () => {
    const wedge = new Wedge(); let at = 0;
    for (const one of "slow") wedge.key({ key: one }, at += 130);
    at += 400;
    for (const one of "4006381333931") wedge.key({ key: one }, at += 8);
    return wedge.key({ key: "Enter" }, at += 8);
  };
  return [typed("]C10109521234000013", 12), typed("0109521234000013\x1d21A", 6), typed("A-12", 20, "Tab"),
          typed("hello", 110), typed("ab", 5), typed("4006381333931", 70), alt(), burstAfterTyping()];
}
