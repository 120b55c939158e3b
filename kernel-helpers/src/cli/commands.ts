/** The `bpflab` command: one file for each subcommand, loaded when it is called. */
import { inspect } from "node:util";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { visibleLines } from "../base/text.js";

/**
 * Runs a command line and returns its exit code; errors that a user can cause become one sentence on standard error.
 *
 * @example
 * process.exitCode = await main(["report", "notebooks/01-minimal.ipynb"]);
 */
export async function main(args: string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("bpflab")
    .description("A notebook for the running Linux kernel: BPF C in one cell, TypeScript in the next.")
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(visibleLines(text)) })
    .showHelpAfterError("(run `bpflab --help` to see what there is)");

  program
    .command("doctor")
    .description("say what this machine can and cannot do, and how to fix what is missing")
    .option("--json", "as one JSON object")
    .action(async (options: { json?: true }) => {
      exitCode = await (await import("./doctor.js")).doctor(options);
    });

  program
    .command("clean")
    .description("remove what killed bpflab processes left behind on this machine")
    .action(async () => {
      exitCode = await (await import("./clean.js")).clean();
    });

  program
    .command("install")
    .description("register the notebook kernel with this user's Jupyter")
    .option("--prefix <dir>", "install below this prefix instead, such as /usr/local")
    .action(async (options: { prefix?: string }) => {
      exitCode = await (await import("./install.js")).install(options);
    });

  program
    .command("lab")
    .description("open JupyterLab on the notebooks, on this machine's loopback address")
    .argument("[directory]", "the notebooks' directory (default: the repository's notebooks)")
    .option("--port <number>", "the port to listen on (default: the first that is free from 8888)", portNumber)
    .action(async (directory: string | undefined, options: { port?: number }) => {
      exitCode = await (await import("./lab.js")).lab({ directory, ...options });
    });

  program
    .command("report")
    .description("run notebooks and write a page of each that works offline")
    .argument("[notebook...]", "the notebooks (default: all of the repository's)")
    .option("-o, --output <path>", "the file, or the directory for several (default: reports/)")
    .option(
      "-p, --parameter <name=value>",
      "set a variable of the cell tagged `parameters`; name=10,20,50 runs once for each and compares",
      gathered,
      [],
    )
    .option("--pdf", "print each page to a PDF beside it (needs Chromium)")
    .action(
      async (
        notebooks: string[],
        { parameter: parameters, ...options }: { output?: string; parameter: string[]; pdf?: boolean },
      ) => {
        exitCode = await (await import("./report.js")).report(notebooks, { ...options, parameters });
      },
    );

  program
    .command("run")
    .description(
      "ask the kernel in one line and print the answer, such as 'probe(\"tp/sched/sched_process_exec\")', or run a notebook that was saved as a script",
    )
    .argument("<expression>", "a probe or a table, as a TypeScript expression; or a file that ends with .ts")
    .option("--seconds <number>", "stop after this many seconds (default: Ctrl-C ends it)", seconds)
    .option("--json", "a JSON object a line: for each event as it comes, or for each group at the end")
    .action(async (expression: string, options: { seconds?: number; json?: true }) => {
      exitCode = /^\S+\.ts$/.test(expression)
        ? await (await import("../jupyter/engine/script.js")).runScript(expression)
        : await (await import("./run.js")).run(expression, options);
    });

  const exercises = program.command("exercises").description("exercises with gaps, hints and checks");
  exercises
    .command("new")
    .description("put a fresh set into a directory")
    .argument("<directory>", "a new directory, or one without them")
    .action(async (directory: string) => {
      exitCode = await (await import("./exercises.js")).newExercises(directory);
    });
  exercises
    .command("grade")
    .description(
      "run each submission isolated from the machine, and write its points: a CSV file, a JSON file, a page each",
    )
    .argument("<directory>", "the submissions: the notebooks in it and below it")
    .requiredOption("--out <file>", "the CSV file; the JSON file and the directory of pages get its name")
    .option("--seconds <number>", "for each submission", seconds, 300)
    .option("--memory <MiB>", "for all processes of a submission together", count, 2048)
    .option("--processes <number>", "its processes and threads, the notebook's kernel included", count, 256)
    .option("--output <MiB>", "what its cells may print and show", count, 16)
    .option("--jobs <number>", "submissions that run at the same time", count, 1)
    .option("--without-cgroups", "bound each process instead, as is done on a machine without them")
    .action(
      async (
        directory: string,
        options: {
          out: string;
          seconds: number;
          memory: number;
          processes: number;
          output: number;
          jobs: number;
          withoutCgroups?: true;
        },
      ) => {
        const { memory: memoryMiB, output: outputMiB, ...rest } = options;
        exitCode = await (await import("./grade.js")).gradeExercises(directory, { memoryMiB, outputMiB, ...rest });
      },
    );

  program
    .command("agent")
    .description("let a notebook elsewhere look into this host, through a NATS server")
    .requiredOption("--connect <url>", "the server, such as tls://fleet.example:4222")
    .option("--creds <file>", "this host's credentials: an nkey's seed, or a .creds file")
    .option("--ca <file>", "the certificate of the authority that signed the server's")
    .option("--name <name>", "this host's name in the fleet (default: its host name)")
    .option("--programs <directory>", "load the programs (NAME.bpf.c) in it too; only its owner may write to it")
    .option("--allow-source", "compile and load C text that a notebook sends, too, which can read all of this host")
    .option(
      "--lease <seconds>",
      "close a notebook's programs when it has been silent for this long (default: 120)",
      seconds,
    )
    .option(
      "--cpu <share>",
      "use no more of a CPU than this, such as 0.5 (default: 1); what waits too long is dropped",
      Number,
    )
    .option(
      "--memory <MiB>",
      "hold no more of events that wait to be sent than this (default: 64); the rest is dropped",
      count,
    )
    .action(async ({ lease, memory, ...options }: { connect: string; lease?: number; memory?: number }) => {
      const lasting = lease === undefined ? {} : { leaseSeconds: lease };
      const bounds = memory === undefined ? {} : { bufferBytes: memory * 2 ** 20 };
      exitCode = await (await import("./agent.js")).agent({ ...options, ...lasting, ...bounds });
    });

  const fleet = program.command("fleet").description("many hosts, one notebook");
  fleet
    .command("try")
    .description("start a server and three hosts on this machine, for a trial (needs nats-server)")
    .action(async () => {
      exitCode = await (await import("./fleet.js")).fleetTry();
    });
  fleet
    .command("keep")
    .description("keep what agents send, for longer than the server does, in Parquet files by ring, host and hour")
    .requiredOption("--connect <url>", "the server, such as tls://fleet.example:4222")
    .requiredOption("--to <directory>", "where; what was kept there before stays")
    .option("--creds <file>", "a notebook's credentials")
    .option("--ca <file>", "the certificate of the authority that signed the server's")
    .action(async (options: { connect: string; to: string }) => {
      exitCode = await (await import("./fleet.js")).fleetKeep(options);
    });

  program
    .command("prepare")
    .description("compile the shipped BPF programs for the running kernel, and their types")
    .action(async () => {
      await (await import("./program-types.js")).prepare();
    });

  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode; // commander has said it
    const { BpflabError } = await import("../base/errors.js");
    const message = error instanceof BpflabError ? error.message : fileTrouble(error);
    if (message === undefined) {
      console.error(visibleLines(inspect(error))); // a mistake of ours: with all that is known of it
      return 70; // EX_SOFTWARE
    }
    console.error(visibleLines(message));
    return 1;
  }
}

/** What the system said of a file or directory, in one sentence: such as a directory in which nothing can be written. */
function fileTrouble(error: unknown): string | undefined {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || path === undefined) return undefined;
  const why = /^\w+: ([^,]+),/.exec(message)?.[1] ?? code;
  return `${path} cannot be used: ${why} (${code}).`;
}

/** An option that may be given more than once. */
function gathered(value: string, before: string[]): string[] {
  return [...before, value];
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new InvalidArgumentError("Expected a port from 1 to 65535.");
  return port;
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 2 ** 20)
    throw new InvalidArgumentError("Expected a whole number from 1.");
  return number;
}

function seconds(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number * 1000 < 2 ** 31)) throw new InvalidArgumentError("Expected a positive number.");
  return number;
}
