"use strict";

const JSON5 = require("json5");
const minimist = require("minimist");

/** Reads labels from a settings text: a name for each level. */
function readLabels(text) {
  const labels = new Map();
  for (const [level, label] of Object.entries(JSON5.parse(text))) {
    labels.set(level, String(label));
  }
  return labels;
}

/** Reads the page's arguments: `--level warn --limit 20 night.log`. */
function readArguments(words) {
  const { _: files, level = "info", limit = 100 } = minimist(words, { string: ["level"] });
  return { files, level, limit: Number(limit) };
}

module.exports = { readArguments, readLabels };
