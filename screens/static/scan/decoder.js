// A worker of its own: it alone may compile WebAssembly, by a policy that is sent with this file.
/* global ZXingWASM, importScripts */
importScripts("/static/vendor/zxing-reader-3.1.4.iife.js");

ZXingWASM.prepareZXingModule({
  overrides: { locateFile: () => "/static/vendor/zxing-reader-3.1.4.wasm" },
});

const OPTIONS = {
  formats: ["Code128", "EAN13", "EAN8", "UPCA", "UPCE", "ITF", "DataBar", "DataMatrix", "QRCode", "Code39"],
  tryHarder: true, tryRotate: true, tryInvert: false, maxNumberOfSymbols: 4,
};

onmessage = async ({ data }) => {
  try {
    const found = await ZXingWASM.readBarcodes(data, OPTIONS);
    const codes = found.filter((one) => one.isValid).map((one) => ({
      // The bytes, not the text: group separators stay what they are.
      code: new TextDecoder().decode(one.bytes),
      symbology: one.symbologyIdentifier || null,
    }));
    postMessage({ codes });
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};
