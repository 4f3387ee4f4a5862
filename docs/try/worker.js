/** The work, in a thread of its own: the page stays responsive, and ends it to cancel. */

import { openNetwork } from "./network.js";
import { Refusal, decode, encode, isColourless, newCanvas, pen, preview, takeColours } from "./photo.js";
import { spans } from "./tiles.js";

const SHOWN_PX = 1600;
let network = null;
let result = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.file) await restore(data.file);
    else self.postMessage({ encoded: await encode(result, data.type) });
  } catch (error) {
    self.postMessage({
      refused: error instanceof Refusal ? error.message : `This browser could not do it (${error.message}).`,
    });
  }
};

async function restore(file) {
  const photo = await decode(file);
  const { width, height } = photo;
  self.postMessage({ stage: "Loading the model ..." });
  network ??= await openNetwork();
  result = newCanvas(width, height, file.name);
  self.postMessage({ stage: `Restoring ${file.name} ...` });
  const grey = isColourless(photo);
  const [rows, columns] = [spans(height), spans(width)];
  let done = 0;
  for (const row of rows) {
    for (const column of columns) {
      const [x, y] = [column.start, row.start];
      const derained = await network(pen(photo).getImageData(x, y, column.stop - x, row.stop - y));
      if (grey) takeColours(derained);
      const part = [column.begin - x, row.begin - y, column.end - column.begin, row.end - row.begin];
      pen(result).putImageData(derained, x, y, ...part);
      self.postMessage({ done: ++done, total: rows.length * columns.length });
    }
  }
  const shown = [await preview(photo, SHOWN_PX), await preview(result, SHOWN_PX)];
  self.postMessage({ restored: { width, height, before: shown[0], after: shown[1] } }, shown);
}
