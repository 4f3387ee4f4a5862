/** Photos in and out: decoding, what is refused and why, encoding. */

export const MOST_PIXELS = 50_000_000;
const BAND_PX = 256;
const JPEG_QUALITY = 0.95;

/** A reason that a visitor can mend, in one sentence. */
export class Refusal extends Error {}

/**
 * A canvas with the photo: upright by its EXIF data, in sRGB, transparent parts on white.
 * @param {File} file
 * @returns {Promise<OffscreenCanvas>}
 */
export async function decode(file) {
  const bitmap = await decoded(file);
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    throw new Refusal(
      `${file.name} has ${megapixels(width * height)} megapixels: this page takes at most ${megapixels(MOST_PIXELS)}.`,
    );
  }
  const canvas = newCanvas(width, height, file.name);
  const context = pen(canvas);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

/** An empty canvas of a photo's size. */
export function newCanvas(width, height, name) {
  const canvas = new OffscreenCanvas(width, height);
  const context = pen(canvas);
  // A browser gives no error where a canvas is too large for it: what is drawn is lost.
  context?.fillRect(width - 1, height - 1, 1, 1);
  if (context?.getImageData(width - 1, height - 1, 1, 1).data[3] !== 255) {
    throw new Refusal(
      `${name}, ${width} x ${height} pixels, is too large for this browser: make it smaller, or use derain restore.`,
    );
  }
  return canvas;
}

/** The context to read and write pixels of a canvas with. */
export function pen(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** True where all of a canvas is grey: then its result is to have no colours. */
export function isColourless(canvas) {
  for (let top = 0; top < canvas.height; top += BAND_PX) {
    const { data } = pen(canvas).getImageData(0, top, canvas.width, Math.min(BAND_PX, canvas.height - top));
    for (let index = 0; index < data.length; index += 4) {
      if (data[index] !== data[index + 1] || data[index] !== data[index + 2]) return false;
    }
  }
  return true;
}

/** Takes the colours out of an ImageData (ITU-R BT.601, with Pillow's rounding). */
export function takeColours({ data }) {
  for (let index = 0; index < data.length; index += 4) {
    const grey = (19595 * data[index] + 38470 * data[index + 1] + 7471 * data[index + 2] + 0x8000) >> 16;
    data.fill(grey, index, index + 3);
  }
}

/** The picture on a canvas, made smaller until no side is longer than `sidePx`, to be shown. */
export async function preview(canvas, sidePx) {
  const scale = Math.min(1, sidePx / Math.max(canvas.width, canvas.height));
  const [resizeWidth, resizeHeight] = [canvas.width, canvas.height].map((side) =>
    Math.max(1, Math.round(scale * side)),
  );
  return createImageBitmap(canvas, { resizeWidth, resizeHeight, resizeQuality: "high" });
}

/** A canvas as a file, "image/png" or "image/jpeg". */
export async function encode(canvas, type) {
  return canvas.convertToBlob({ type, quality: JPEG_QUALITY });
}

async function decoded(file) {
  if (file.size === 0) throw new Refusal(`${file.name} is empty.`);
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Refusal(`${file.name} ${await reason(file)}`);
  }
}

/** Say why this browser does not decode a file. */
async function reason(file) {
  const first = await file.slice(0, 16).arrayBuffer();
  const text = String.fromCharCode(...new Uint8Array(first));
  const otherwise = "save it as PNG or JPEG, or derain restore takes it.";
  if (/^....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)/s.test(text)) {
    return `is a HEIC photo, which this browser cannot decode: ${otherwise}`;
  }
  if (/^....ftypavif/s.test(text)) return `is an AVIF photo, which this browser cannot decode: ${otherwise}`;
  if (/^(II\*\0|MM\0\*)/.test(text)) return `is a TIFF or RAW photo, which browsers cannot decode: ${otherwise}`;
  if (/^(\xff\xd8\xff|\x89PNG|RIFF....WEBP|GIF8|BM)/s.test(text)) {
    return "is damaged or too large: this browser cannot decode it.";
  }
  return "is not a picture that this browser can decode.";
}

function megapixels(pixels) {
  return Math.ceil(pixels / 1e6);
}
