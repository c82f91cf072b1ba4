// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// Pictures: which ones are shown and sent, and how large they may be.

import { element } from "/chat/page.js";

const largestPicture = 8 * 1024 * 1024;
const largestSide = 2048;
const kinds = { iVBORw0KGgo: "png", "/9j/": "jpeg", R0lGOD: "gif", UklGR: "webp" };

/** The address of a picture in base64; nothing for what is none of a kind that is shown. */
export function pictureSource(base64) {
  const start = Object.keys(kinds).find((start) => (base64 || "").startsWith(start));
  return start && `data:image/${kinds[start]};base64,${base64}`;
}

/** The picture of a file in base64, made smaller if it is large; throws an error that is called like its text. */
export async function readPicture(file) {
  const small = file.size > 1024 * 1024 && file.type !== "image/gif" ? await smaller(file) : file;
  if (small.size > largestPicture) throw new Error("tooLarge");
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = reject;
    reader.readAsDataURL(small);
  });
  const base64 = url.slice(url.indexOf(",") + 1);
  if (!pictureSource(base64)) throw new Error("noPicture");
  return base64;
}

async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, largestSide / Math.max(bitmap.width, bitmap.height));
  const canvas = element("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const context = canvas.getContext("2d");
  // JPEG knows nothing transparent and would make it black.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob || file), "image/jpeg", 0.85));
}
