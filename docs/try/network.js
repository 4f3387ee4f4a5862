/** The model in ONNX Runtime: on the graphics card where the browser reaches one (WebGPU), on the processor elsewhere. */

import { Refusal } from "./photo.js";

const BUILT = new URL("built/", import.meta.url);
const MOST_THREADS = 8;
const CHECKED_PX = 64;
const TOLERANCE = 1 / 255;

/** Loads runtime and model, and answers with the network: a function from ImageData to a promise of ImageData. */
export async function openNetwork() {
  const onGpu = await hasGpu();
  const { ort, model, onProcessor } = await load(onGpu);
  let session = (onGpu && (await sessionOnGpu(ort, model, onProcessor))) || onProcessor;

  return async function derain(picture) {
    try {
      return await run(ort, session, picture);
    } catch (error) {
      if (session === onProcessor) throw error;
      session = onProcessor; // a graphics card can be lost, or have too little memory
      return run(ort, session, picture);
    }
  };
}

async function hasGpu() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter.info?.isFallbackAdapter; // that is the processor, and slower than WebAssembly
}

/** The runtime, the model, and a session of it on the processor. */
async function load(onGpu) {
  try {
    const ort = await import(new URL(`ort.${onGpu ? "webgpu" : "wasm"}.bundle.min.mjs`, BUILT).href);
    ort.env.logLevel = "error";
    // Browsers share memory between threads on isolated pages only, for which a server must send two headers.
    ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
    const answer = await fetch(new URL("balanced.onnx", BUILT));
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const model = new Uint8Array(await answer.arrayBuffer());
    return { ort, model, onProcessor: await ort.InferenceSession.create(model, { executionProviders: ["wasm"] }) };
  } catch (error) {
    throw new Refusal(`The model could not be loaded (${error.message}). Check your connection and try again.`);
  }
}

/** A session on the graphics card; none where its result differs from the processor's by a level or more. */
async function sessionOnGpu(ort, model, onProcessor) {
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: ["webgpu"] });
    const levels = Float32Array.from({ length: 3 * CHECKED_PX ** 2 }, (_, index) => ((index * 7919) % 256) / 255);
    const [seen, expected] = [
      await infer(ort, session, levels, CHECKED_PX),
      await infer(ort, onProcessor, levels, CHECKED_PX),
    ];
    return seen.every((value, index) => Math.abs(value - expected[index]) < TOLERANCE) ? session : null;
  } catch {
    return null;
  }
}

async function run(ort, session, picture) {
  const { width, height, data } = picture;
  const plane = width * height;
  const levels = new Float32Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) levels[channel * plane + pixel] = data[4 * pixel + channel] / 255;
  }
  const derained = await infer(ort, session, levels, width);
  const result = new ImageData(width, height);
  for (let pixel = 0; pixel < plane; pixel++) {
    // The array of an ImageData clips to 0..255 and rounds to the nearest level.
    const at = 4 * pixel;
    for (let channel = 0; channel < 3; channel++) result.data[at + channel] = 255 * derained[channel * plane + pixel];
    result.data[at + 3] = 255;
  }
  return result;
}

async function infer(ort, session, levels, width) {
  const rainy = new ort.Tensor("float32", levels, [1, 3, levels.length / 3 / width, width]);
  const { derained } = await session.run({ rainy });
  return derained.getData();
}
