/**
 * The Debug Adapter Protocol as front ends speak it over the control channel, on V8's inspector. It runs in the wire's
 * thread, so it answers while the main thread stands at a breakpoint.
 *
 * A cell's code is not known before it runs, so V8 stops before each script that says that it has a source map, as all
 * cells do, and the breakpoints of that cell are set then.
 */
import { readFile } from "node:fs/promises";
import type { Debugger as V8, Runtime } from "node:inspector";
import { setTimeout as delay } from "node:timers/promises";
import { callOf, type Place } from "./access.js";
import { Breakpoints } from "./breakpoints.js";
import { CELL_PATH, cellPath, HASH } from "./cell-paths.js";
import { MainThread, type Pause } from "./main-thread.js";
import { References, textOf, type Variable } from "./variables.js";

export interface DebugRequest {
  seq: number;
  command: string;
  arguments?: Record<string, unknown>;
}

type Body = Record<string, unknown>;
type Step = "Debugger.resume" | "Debugger.stepOver" | "Debugger.stepInto" | "Debugger.stepOut";

/** Names that the kernel gives to cells. */
const internal = /^(?:exports|require|module|__\w+)$/;

const THREAD = 1;

interface Frame {
  id: number;
  name: string;
  path: string;
  place: Place;
  call: V8.CallFrame;
}

interface Started {
  main: MainThread;
  breakpoints: Breakpoints;
}

export class Debugger {
  /** Tells the front end of an event. */
  readonly #tell: (event: string, body: Body) => void;
  #started: Started | undefined;
  /** Texts of cells that the front end has told of, by path. */
  readonly #sources = new Map<string, string>();
  readonly #references = new References();
  #frames: Frame[] = [];
  /** Stopped where the user sees it. */
  #isStopped = false;
  /** Until the interrupted cell is over, it stops nowhere. */
  #isReleased = false;

  constructor(tell: (event: string, body: Body) => void) {
    this.#tell = tell;
  }

  /** The content of the reply. */
  async answer({ seq, command, arguments: args = {} }: DebugRequest): Promise<Body> {
    const reply = { seq, type: "response", request_seq: seq, command };
    try {
      return { ...reply, success: true, body: await this.#body(command, args) };
    } catch (error) {
      return { ...reply, success: false, message: (error as Error).message, body: {} };
    }
  }

  /** Lets the main thread go on without another stop, for an interrupt. @param afterMs if it stands somewhere */
  async release(afterMs: number): Promise<void> {
    if (!this.#started) return;
    this.#isReleased = true;
    await this.#main.session.post("Debugger.setSkipAllPauses", { skip: true });
    if (this.#isStopped) await delay(afterMs);
    if (this.#isStopped) await this.#resume("Debugger.resume");
  }

  /** Stops at breakpoints again. */
  async rearm(): Promise<void> {
    if (!this.#isReleased) return;
    this.#isReleased = false;
    await this.#started?.main.session.post("Debugger.setSkipAllPauses", { skip: false });
  }

  /** Ends the session; breakpoints are forgotten, and the code goes on. */
  stop(): void {
    this.#started?.main.session.disconnect();
    this.#started = undefined;
    this.#isStopped = false;
    this.#frames = [];
  }

  get #main(): MainThread {
    if (!this.#started) throw new Error("The debugger has not been started.");
    return this.#started.main;
  }

  async #body(command: string, args: Body): Promise<Body> {
    switch (command) {
      case "debugInfo":
        return this.#info();
      case "initialize":
        await this.#start();
        return capabilities;
      case "attach":
        this.#tell("initialized", {});
        return {};
      case "disconnect":
        this.stop();
        return {};
      case "configurationDone":
        return {};
      case "dumpCell":
        return this.#dump(String(args["code"]));
      case "source":
        return { content: await this.#source((args["source"] as { path?: string }).path ?? "") };
      case "threads":
        return { threads: [{ id: THREAD, name: "cells" }] };
      case "modules":
        return { modules: [] };
      case "setBreakpoints":
        return this.#setBreakpoints((args["source"] as { path: string }).path, (args["breakpoints"] ?? []) as []);
      case "setExceptionBreakpoints": {
        const state = (args["filters"] as string[]).length > 0 ? "all" : "none";
        await this.#main.session.post("Debugger.setPauseOnExceptions", { state });
        return {};
      }
      default:
        return this.#running(command, args);
    }
  }

  /** Requests about code that runs, or stands. */
  async #running(command: string, args: Body): Promise<Body> {
    switch (command) {
      case "stackTrace":
        return { stackFrames: this.#frames.map(shownFrame), totalFrames: this.#frames.length };
      case "scopes":
        return { scopes: await this.#scopesOf(this.#frame(args["frameId"])) };
      case "variables":
        return { variables: await this.#variablesOf(this.#references.objectOf(Number(args["variablesReference"]))) };
      case "inspectVariables":
        return { variables: await this.#variablesOf((await this.#main.evaluate(callOf("variables"))).objectId) };
      case "richInspectVariables":
        return this.#rich(String(args["variableName"]), args["frameId"]);
      case "evaluate":
        return this.#evaluated(String(args["expression"]), args["frameId"]);
      case "continue":
        await this.#resume("Debugger.resume");
        return { allThreadsContinued: true };
      case "next":
        return this.#resume("Debugger.stepOver");
      case "stepIn":
        return this.#resume("Debugger.stepInto");
      case "stepOut":
        return this.#resume("Debugger.stepOut");
      case "pause":
        await this.#main.session.post("Debugger.pause");
        return {};
      default:
        throw new Error(`This debugger does not know the request ${command}.`);
    }
  }

  #info(): Body {
    return {
      isStarted: this.#started !== undefined,
      hashMethod: HASH.method,
      hashSeed: HASH.seed,
      tmpFilePrefix: CELL_PATH.prefix,
      tmpFileSuffix: CELL_PATH.suffix,
      breakpoints: this.#started?.breakpoints.all ?? [],
      stoppedThreads: this.#isStopped ? [THREAD] : [],
      richRendering: true,
      exceptionPaths: [],
      copyToGlobals: false,
    };
  }

  #dump(code: string): Body {
    const sourcePath = cellPath(code);
    this.#sources.set(sourcePath, code);
    return { sourcePath };
  }

  async #source(path: string): Promise<string> {
    return this.#sources.get(path) ?? readFile(path, "utf8");
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    const main = new MainThread();
    this.#started = { main, breakpoints: new Breakpoints(main) };
    await main.connect(
      (pause) => void this.#paused(pause).catch(() => undefined), // the session was ended meanwhile
      () => this.#resumed(),
    );
  }

  async #setBreakpoints(path: string, wanted: readonly { line: number; condition?: string }[]): Promise<Body> {
    if (!this.#started) throw new Error("The debugger has not been started.");
    await this.#started.breakpoints.replace(path, wanted);
    return { breakpoints: wanted.map(({ line }, i) => ({ id: i + 1, verified: true, line, source: { path } })) };
  }

  async #paused({ reason, callFrames, data }: Pause): Promise<void> {
    const { session } = this.#main;
    if ((reason as string) === "instrumentation") {
      await this.#started?.breakpoints.setIn((data as { scriptId: string }).scriptId).catch(() => undefined);
      return session.post("Debugger.resume");
    }
    this.#frames = await this.#framesOf(callFrames);
    if (this.#frames.length === 0) return session.post("Debugger.resume"); // nothing of the user's
    this.#isStopped = true;
    const why = { exception: "exception", promiseRejection: "exception", other: "breakpoint" }[reason as "other"];
    this.#tell("stopped", { reason: why ?? "pause", threadId: THREAD, allThreadsStopped: true });
  }

  #resumed(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#frames = [];
    this.#references.clear();
    this.#tell("continued", { threadId: THREAD, allThreadsContinued: true });
  }

  async #resume(how: Step): Promise<Body> {
    if (!this.#isStopped) throw new Error("The code does not stand at a breakpoint.");
    await this.#main.session.post(how as "Debugger.resume");
    return {};
  }

  async #framesOf(calls: readonly V8.CallFrame[]): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (const call of calls) {
      const url = this.#main.scripts.get(call.location.scriptId) ?? call.url;
      const path = await this.#main.pathOf(url);
      const [place] = path === null ? [] : await this.#main.places(url, [call.location]);
      if (path !== null && place)
        frames.push({ id: frames.length + 1, name: call.functionName || "cell", path, place, call });
    }
    return frames;
  }

  #frame(id: unknown): Frame {
    const frame = this.#frames.find((one) => one.id === Number(id));
    if (!frame) throw new Error("This frame is gone: the code has gone on.");
    return frame;
  }

  async #scopesOf({ call }: Frame): Promise<Body[]> {
    const shown = call.scopeChain.filter(({ type }) => !/^(?:global|script|module)$/.test(type));
    const scopes = shown.map(({ type, name, object: { objectId } }) => {
      const kind = type === "local" ? "Locals" : `${type[0]!.toUpperCase()}${type.slice(1)}`;
      return { name: name ? `${kind} (${name})` : kind, objectId };
    });
    scopes.push({ name: "Notebook", objectId: (await this.#main.evaluate(callOf("variables"))).objectId });
    const reference = (objectId: string | undefined) => this.#references.of(objectId);
    return scopes.map(({ name, objectId }) => ({ name, variablesReference: reference(objectId), expensive: false }));
  }

  async #variablesOf(objectId: string | undefined): Promise<Variable[]> {
    if (objectId === undefined) throw new Error("This value is gone: the code has gone on.");
    const properties = await this.#main.properties(objectId);
    return properties
      .filter(({ name, enumerable }) => enumerable && !internal.test(name))
      .map(({ name, value }) => this.#references.variable(name, value));
  }

  async #evaluated(source: string, frameId: unknown): Promise<Body> {
    const value = await this.#value(source, frameId);
    const { variablesReference, type } = this.#references.variable("", value);
    return { result: textOf(value), type, variablesReference };
  }

  /** The value of an expression in a frame, or among the notebook's variables. */
  async #value(source: string, frameId: unknown): Promise<Runtime.RemoteObject> {
    const frame = frameId === undefined || !this.#isStopped ? undefined : this.#frame(frameId);
    const locals = frame ? await this.#namesIn(frame) : [];
    const { value } = await this.#main.evaluate(callOf("expression", source, locals), { returnByValue: true });
    const code = String(value);
    return frame ? this.#main.evaluateIn(frame.call, code) : this.#main.evaluate(code, { generatePreview: true });
  }

  async #namesIn({ call }: Frame): Promise<string[]> {
    const objects = call.scopeChain.flatMap(({ type, object: { objectId } }) =>
      type === "global" || objectId === undefined ? [] : [objectId],
    );
    return (await Promise.all(objects.map((one) => this.#main.properties(one)))).flat().map(({ name }) => name);
  }

  /** What the notebook would show of a variable. */
  async #rich(name: string, frameId: unknown): Promise<Body> {
    const { objectId, ...plain } = await this.#value(name, frameId);
    const text = { data: { "text/plain": textOf(plain) }, metadata: {} };
    if (objectId === undefined || this.#isStopped) return text; // nothing that is drawn meanwhile would come
    const { result } = await this.#main.session.post("Runtime.callFunctionOn", {
      objectId,
      functionDeclaration: `function () { return ${callOf("describe").replace("()", "(this)")}; }`,
      awaitPromise: true,
      returnByValue: true,
      silent: true,
    });
    return result.value ? { data: result.value as Body, metadata: {} } : text;
  }
}

const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsConditionalBreakpoints: true,
  supportsEvaluateForHovers: true,
  exceptionBreakpointFilters: [{ filter: "all", label: "Every exception, caught or not", default: false }],
};

function shownFrame({ id, name, path, place }: Frame): Body {
  return { id, name, ...place, source: { path, name: path.split("/").at(-1) } };
}
