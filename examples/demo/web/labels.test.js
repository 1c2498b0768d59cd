"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");

const { readArguments, readLabels } = require("./labels.js");

test("labels are read from a settings text with comments", () => {
  const labels = readLabels("{ warn: 'Look here', /* rare */ error: \"Wake up\", }");
  assert.equal(labels.get("warn"), "Look here");
  assert.equal(labels.size, 2);
});

test("a settings text that is cut off is refused", () => {
  assert.throws(() => readLabels("{ warn: "), SyntaxError);
});

test("arguments have defaults", () => {
  assert.deepEqual(readArguments(["night.log"]), {
    files: ["night.log"],
    level: "info",
    limit: 100,
  });
  assert.equal(readArguments(["--limit", "5"]).limit, 5);
});
