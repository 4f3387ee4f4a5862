/** Tiles of a photo, as derain.restoration.tiles lays them: no pixel depends on what its tile does not see. */

/** The model halves a picture three times: tiles begin at multiples of this. */
export const MULTIPLE_PX = 8;
/** What a tile sees beyond its own part on each side: half of the model's receptive field. */
export const MARGIN_PX = 56;
/** Longest side of a part. A tile of 656 + 2 * 56 pixels squared needs about half a gigabyte. */
const PART_PX = 656;

/**
 * Tiles along one side of a photo: each makes the pixels from `begin` to `end` and sees those from `start` to `stop`.
 * @param {number} sidePx
 * @returns {{begin: number, end: number, start: number, stop: number}[]}
 */
export function spans(sidePx) {
  const count = Math.ceil(sidePx / PART_PX);
  const partPx = Math.ceil(sidePx / count / MULTIPLE_PX) * MULTIPLE_PX;
  const result = [];
  for (let begin = 0; begin < sidePx; begin += partPx) {
    const end = Math.min(begin + partPx, sidePx);
    result.push({ begin, end, start: Math.max(begin - MARGIN_PX, 0), stop: Math.min(end + MARGIN_PX, sidePx) });
  }
  return result;
}
