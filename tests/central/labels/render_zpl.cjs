// Renders every NAME.zpl of a folder to NAME.png; NAME.size says how wide and high it is in mm.
const fs = require("fs");
const path = require("path");
const { ready } = require("zpl-renderer-js");

(async () => {
  const { api } = await ready;
  const folder = process.argv[2];
  for (const file of fs.readdirSync(folder).filter((one) => one.endsWith(".zpl"))) {
    const base = path.join(folder, file.slice(0, -4));
    const [width, height] = fs.readFileSync(base + ".size", "utf8").split(" ").map(Number);
    const zpl = fs.readFileSync(base + ".zpl", "utf8");
    const picture = await api.zplToBase64Async(zpl, width, height, 8);
    fs.writeFileSync(base + ".png", Buffer.from(picture, "base64"));
  }
  process.exit(0);
})();
