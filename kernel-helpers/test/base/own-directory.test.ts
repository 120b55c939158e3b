import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BpflabError } from "../../dist/base/errors.js";
import { ownDirectory } from "../../dist/base/own-directory.js";

let parent: string;
before(() => void (parent = mkdtempSync(join(tmpdir(), "bpflab-own-"))));
after(() => rmSync(parent, { recursive: true }));

const refused = (path: string, why: RegExp) =>
  assert.throws(
    () => ownDirectory(path),
    (error) => error instanceof BpflabError && error.code === "NOT_TRUSTED" && why.test(error.message),
  );

test("it is made for this user alone, and taken as it is the next time", () => {
  const path = join(parent, "a/b");
  assert.equal(ownDirectory(path), path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(ownDirectory(path), path);
});

test("what others can write to, or have prepared, is refused", () => {
  const path = ownDirectory(join(parent, "shared"));
  chmodSync(path, 0o777);
  refused(path, /can be written to by others, so nothing in it is trusted/);
  chmodSync(path, 0o700);
  chownSync(path, 65534, 65534);
  refused(path, /belongs to user 65534/);
  const link = join(parent, "link");
  symlinkSync(parent, link);
  refused(link, /is not a directory/);
});
