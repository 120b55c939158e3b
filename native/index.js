"use strict";

const { join } = require("node:path");

module.exports = require(join(__dirname, "build", "Release", "bpflab.node"));
