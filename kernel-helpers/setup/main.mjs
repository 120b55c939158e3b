/**
 * What `npm start`, `npm test`, `npm run report`, `npm run bench`, `npm run pictures` and `npm run build` do: set up what is missing, then the thing itself.
 * Runs with nothing installed but Node.js, so it and its neighbours import nothing from npm.
 */
import { addon, naiveAddon } from "./addon.mjs";
import { SetupError } from "./command.mjs";
import { debianPackages } from "./debian.mjs";
import { jupyterLab } from "./jupyterlab.mjs";
import { libbpf } from "./libbpf.mjs";
import { runKernels } from "./kernels.mjs";
import { kernelspec } from "./kernelspec.mjs";
import { npmPackages } from "./npm.mjs";
import { program } from "./paths.mjs";
import { runBench } from "./bench.mjs";
import { runChecks } from "./check.mjs";
import { makeDocs } from "./docs.mjs";
import { makePictures } from "./pictures.mjs";
import { checkPreconditions } from "./preconditions.mjs";
import { programs } from "./programs.mjs";
import { snapshot } from "./snapshot.mjs";
import { endWithParent } from "./parent.mjs";
import { runSteps } from "./steps.mjs";
import { runReliabilityTests, runTests } from "./tests.mjs";
import { typescript, typescriptBench, typescriptTests } from "./typescript.mjs";

const build = (purpose = "run") => [
  debianPackages(purpose),
  libbpf,
  npmPackages,
  addon,
  typescript,
  programs,
  snapshot,
  kernelspec,
];

/** Hands over to the built command line in this process, so that Ctrl-C needs no forwarding. */
const bpflab = async (...args) => (await import(program)).main(args);

const commands = {
  build: { steps: build(), then: () => 0 },
  start: { steps: [...build(), jupyterLab], then: (args) => bpflab("lab", ...args) },
  report: { steps: build(), then: (args) => bpflab("report", ...args) },
  check: { steps: [debianPackages("check"), libbpf, npmPackages, addon, typescript], then: runChecks },
  docs: { steps: build(), then: makeDocs },
  bench: { steps: [...build("bench"), naiveAddon, typescriptBench], then: runBench },
  pictures: { steps: [...build("test"), jupyterLab, typescriptTests], then: makePictures },
  reliability: { steps: [...build("test"), jupyterLab, typescriptTests], then: runReliabilityTests },
  "test:kernels": { steps: [...build("kernels"), typescriptTests], then: runKernels },
  test: { steps: [...build("test"), jupyterLab, typescriptTests], then: runTests },
};

const [name, ...args] = process.argv.slice(2);
try {
  const command = commands[name];
  if (!command) throw new SetupError(`Expected one of ${Object.keys(commands).join(", ")}, got ${name ?? "nothing"}.`);
  checkPreconditions();
  process.env.PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`; // after `su` root has no sbin directories
  if (process.env.npm_lifecycle_event) endWithParent();
  await runSteps(command.steps);
  process.exitCode = await command.then(args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  for (const line of error.tail) console.error(`  ${line}`);
  console.error(error.message);
  process.exitCode = 1;
}
