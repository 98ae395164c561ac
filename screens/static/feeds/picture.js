// What is seen, as a PNG: title, legend and panels, as sharp as the screen.
const PAD = 24;
const LINE = 22;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// `legend`: [{colour, dashed, text}], `panels`: uPlots.
export const picture = async ({ title, legend, panels }) => {
  const sharp = devicePixelRatio || 1;
  const drawn = panels.map((plot) => plot.ctx.canvas);
  const width = Math.max(...drawn.map((each) => each.width / sharp)) + 2 * PAD;
  const head = PAD + 34 + legend.length * LINE + 8;
  const height = head + drawn.reduce((sum, each) => sum + each.height / sharp + 8, 0) + PAD;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(height * sharp);
  const ctx = canvas.getContext("2d");
  ctx.scale(sharp, sharp);
  ctx.fillStyle = token("--card");
  ctx.fillRect(0, 0, width, height);
  ctx.fillStyle = token("--ink");
  ctx.textBaseline = "middle";
  ctx.font = `600 17px ${FONT}`;
  ctx.fillText(title, PAD, PAD + 10);
  ctx.font = `14px ${FONT}`;
  legend.forEach(({ colour, dashed, text }, n) => {
    const y = PAD + 40 + n * LINE;
    ctx.strokeStyle = colour;
    ctx.lineWidth = 3;
    ctx.setLineDash(dashed ? [5, 4] : []);
    ctx.beginPath();
    ctx.moveTo(PAD, y);
    ctx.lineTo(PAD + 24, y);
    ctx.stroke();
    ctx.fillText(text, PAD + 34, y, width - 2 * PAD - 34);
  });
  let top = head;
  for (const each of drawn) {
    ctx.drawImage(each, PAD, top, each.width / sharp, each.height / sharp);
    top += each.height / sharp + 8;
  }
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
};

export const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
