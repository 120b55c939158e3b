/** The modules that a cell imports, as constants of its code: they are loaded before the rest of it runs. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import type { Declared } from "./declared.js";
import { HOST } from "./syntax.js";

/** How a module is looked at: by its names, by `default`, or as one object. */
type View = "names" | "default" | "all";

const moduleViews: Record<View, { prefix: string; made?: string }> = {
  names: { prefix: "__module" },
  default: { prefix: "__default", made: "withDefault" },
  all: { prefix: "__namespace", made: "namespaceOf" },
};

export class ModuleNames {
  readonly #factory: TS.NodeFactory;
  readonly #modules = new Map<string, { index: number; views: Set<View> }>();

  constructor(factory: TS.NodeFactory) {
    this.#factory = factory;
  }

  /** The specifiers, in the order in which they are loaded. */
  get needed(): string[] {
    return [...this.#modules.keys()];
  }

  /** Makes the module load, whether or not anything of it is used. */
  load(module: string): { index: number; views: Set<View> } {
    const known = this.#modules.get(module) ?? { index: this.#modules.size, views: new Set<View>() };
    this.#modules.set(module, known);
    return known;
  }

  /** What an imported name stands for. */
  access({ imported }: Declared): TS.Expression {
    const { module, name } = imported!;
    const { index, views } = this.load(module);
    const view = name === "default" ? "default" : name === "*" ? "all" : "names";
    views.add(view);
    const object = this.#factory.createIdentifier(`${moduleViews[view].prefix}${index}`);
    if (name === "*" || name === "=") return object;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)
      ? this.#factory.createPropertyAccessExpression(object, name)
      : this.#factory.createElementAccessExpression(object, this.#factory.createStringLiteral(name));
  }

  /** `const [__module0] = __tslab__.alive(await __tslab__.load(["rxjs"]));` and the views of each. */
  statements(): TS.Statement[] {
    if (this.#modules.size === 0) return [];
    const f = this.#factory;
    const modules = [...this.#modules.values()];
    const names = modules.map(({ index }) =>
      f.createBindingElement(undefined, undefined, `${moduleViews.names.prefix}${index}`),
    );
    const specifiers = f.createArrayLiteralExpression(this.needed.map((one) => f.createStringLiteral(one)));
    const loaded = f.createAwaitExpression(this.#call("load", specifiers));
    const made = modules.flatMap(({ index, views }) =>
      [...views].flatMap((view) => {
        const { prefix, made: how } = moduleViews[view];
        const raw = f.createIdentifier(`${moduleViews.names.prefix}${index}`);
        return how
          ? [f.createVariableDeclaration(`${prefix}${index}`, undefined, undefined, this.#call(how, raw))]
          : [];
      }),
    );
    const list = f.createVariableDeclarationList(
      [f.createVariableDeclaration(f.createArrayBindingPattern(names), undefined, undefined, loaded), ...made],
      ts.NodeFlags.Const,
    );
    return [f.createVariableStatement(undefined, list)];
  }

  #call(name: string, argument: TS.Expression): TS.Expression {
    const callee = this.#factory.createPropertyAccessExpression(this.#factory.createIdentifier(HOST), name);
    return this.#factory.createCallExpression(callee, undefined, [argument]);
  }
}
