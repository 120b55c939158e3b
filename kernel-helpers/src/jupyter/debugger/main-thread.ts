/** The main thread, as V8's inspector shows it to the debugger. */
import type { Debugger, Runtime } from "node:inspector";
import { Session } from "node:inspector/promises";
import { callOf, type Place } from "./access.js";

/** What is never stepped into. */
const kernelCode = ["^node:", "/node_modules/", "/kernel-helpers/dist/", "^evalmachine", "^$"];
const isKernelCode = new RegExp(kernelCode.join("|"));

export type Pause = Debugger.PausedEventDataType;

export class MainThread {
  readonly session = new Session();
  /** URLs of scripts that may be the user's. */
  readonly scripts = new Map<string, string>();

  /** @param paused called when V8 stops, also before each script that says that it has a source map, as all cells do */
  async connect(paused: (pause: Pause) => void, resumed: () => void): Promise<void> {
    const { session } = this;
    session.connectToMainThread();
    session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => {
      if (!isKernelCode.test(url)) this.scripts.set(scriptId, url);
    });
    session.on("Debugger.paused", ({ params }) => paused(params));
    session.on("Debugger.resumed", resumed);
    await session.post("Debugger.enable");
    await session.post("Debugger.setBlackboxPatterns", { patterns: kernelCode });
    // Node's types do not know it.
    const instrumentation = "beforeScriptWithSourceMapExecution";
    await session.post("Debugger.setInstrumentationBreakpoint" as "Debugger.enable", { instrumentation } as never);
  }

  async evaluate(
    expression: string,
    options: Partial<Runtime.EvaluateParameterType> = {},
  ): Promise<Runtime.RemoteObject> {
    return valueOf(await this.session.post("Runtime.evaluate", { expression, silent: true, ...options }));
  }

  async evaluateIn({ callFrameId }: Debugger.CallFrame, expression: string): Promise<Runtime.RemoteObject> {
    return valueOf(
      await this.session.post("Debugger.evaluateOnCallFrame", {
        callFrameId,
        expression,
        silent: true,
        generatePreview: true,
      }),
    );
  }

  async properties(objectId: string): Promise<Runtime.PropertyDescriptor[]> {
    const { result } = await this.session.post("Runtime.getProperties", {
      objectId,
      ownProperties: true,
      generatePreview: true,
    });
    return result;
  }

  /** The path of the user's file, or the cell's, that a script was made from. */
  async pathOf(url: string): Promise<string | null> {
    return (await this.evaluate(callOf("path", url), { returnByValue: true })).value as string | null;
  }

  /** Places in a script's source. */
  async places(url: string, locations: readonly Debugger.Location[]): Promise<(Place | null)[]> {
    const positions = locations.map(({ lineNumber, columnNumber = 0 }) => [lineNumber, columnNumber]);
    return (await this.evaluate(callOf("places", url, positions), { returnByValue: true })).value as (Place | null)[];
  }
}

function valueOf({ result, exceptionDetails }: Runtime.EvaluateReturnType): Runtime.RemoteObject {
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result;
}
