"""One variable is one variable: what the top of a cell declares is shared by all cells."""

from harness import KernelTestCase, OwnKernelTestCase, main


class SharedTests(KernelTestCase):
    def test_an_assignment_is_seen_by_earlier_functions(self):
        self.run_cell("let threshold = 10;\nfunction exceeds(v: number) { return v > threshold; }")
        self.assertEqual(self.run_cell("threshold = 20; exceeds(15)").result, "false")
        self.assertEqual(self.run_cell("threshold").result, "20")

    def test_every_way_to_assign(self):
        self.run_cell("let n = 1, m = 2, list = [1];\nconst seen = () => [n, m, list.length].join();")
        for code, result in (
            ("n = 5; seen()", "5,2,1"),
            ("n++; --m; seen()", "6,1,1"),
            ("n += 4; seen()", "10,1,1"),
            ("[n, m] = [m, n]; seen()", "1,10,1"),
            ("({ n, a: { b: m = 7 } } = { n: 3, a: {} } as any); seen()", "3,7,1"),
            ("list = [];  seen()", "3,7,0"),
            ("for (n of [8, 9]); seen()", "9,7,0"),
            ("for (n = 0; n < 4; n++); seen()", "4,7,0"),
            ("[...list] = [1, 2]; seen()", "4,7,2"),
            ("n ??= 5; m ||= 6; seen()", "4,7,2"),
            ("const set = () => { n = 12; }; set(); seen()", "12,7,2"),
            ("await Promise.resolve().then(() => (m = 13)); seen()", "12,13,2"),
            ("(n as any) = 14; n!++; seen()", "15,13,2"),
        ):
            with self.subTest(code):
                self.assertEqual(self.run_cell(code).result, result)

    def test_what_an_earlier_function_assigns_is_seen(self):
        self.run_cell("let acc: number[] = [];\nfunction add(v: number) { acc.push(v); }\nfunction renew() { acc = [0]; }")
        self.assertEqual(self.run_cell("acc = []; add(1); add(2); acc").result, "[ 1, 2 ]")
        self.assertEqual(self.run_cell("renew(); acc").result, "[ 0 ]")

    def test_a_timer_reads_the_new_value(self):
        self.run_cell("let tick = 'old';\nlet said = '';\nconst timer = setInterval(() => (said = tick), 5);")
        self.run_cell("tick = 'new';")
        self.assertEqual(self.run_cell("await new Promise((resolve) => setTimeout(resolve, 100));\nclearInterval(timer);\nsaid").result, "new")

    def test_redeclaring_makes_a_new_one(self):
        self.run_cell("let limit = 1;\nconst read = () => limit;\nclass Kept { n = 1; }\nconst make = () => new Kept();")
        self.run_cell("let limit = 'text';\nclass Kept { n = 2; }")
        self.assertEqual(self.run_cell("[read(), limit, make().n, new Kept().n].join()").result, "1,text,1,2")

    def test_a_redefined_function_is_what_earlier_functions_call(self):
        self.run_cell("function part() { return 'old'; }\nconst arrow = () => 'old';\nfunction all() { return [part(), arrow()].join(); }")
        self.run_cell("function part() { return 'new'; }")
        self.assertEqual(self.run_cell("all()").result, "new,old")
        self.run_cell("const arrow = () => 'new';")
        self.assertEqual(self.run_cell("all()").result, "new,new")
        self.run_cell("const part = 5;")
        self.assertEqual(self.run_cell("all() + part").result, "new,new5")

    def test_var_in_blocks_and_loops(self):
        self.run_cell("for (var i = 0, j = 10; i < 3; i++) { var inner = i; }\nfor (var key in { a: 1 });\nfor (var [left] of [['x']]);\nif (i) var late = 'y';")
        self.assertEqual(self.run_cell("[i, j, inner, key, left, late].join()").result, "3,10,2,a,x,y")

    def test_the_type_of_what_is_assigned_is_checked(self):
        self.run_cell("let count = 1;\nconst fixed = 2;\nlet either: string | undefined;")
        self.assertIn("TS2322", self.run_cell("count = 'text'").traceback)
        self.assertIn("constant", self.run_cell("fixed = 3").error["evalue"])
        self.assertEqual(self.run_cell("either = 'abc'; either.length").result, "3")
        self.assertEqual(self.run_cell("let copy = fixed; copy = 7; copy").result, "7")

    def test_names_and_this_of_functions(self):
        self.run_cell("const named = () => 1;\nlet shape = class { m() { return 1; } };\nfunction self(this: any, ..._: any[]) { return this; }")
        self.assertEqual(self.run_cell("[named.name, shape.name, String(self()), String(self`x`)].join()").result, "named,shape,undefined,undefined")

    def test_a_local_name_is_not_the_shared_one(self):
        self.run_cell("let shared = 1;")
        self.assertEqual(self.run_cell("{ let shared = 5; shared++; }\n((shared: number) => shared++)(3);\nfor (let shared = 0; shared < 3; shared++);\nshared").result, "1")
        self.assertEqual(self.run_cell("const o = { shared: 2, f: { shared } };\n[o.shared, o.f.shared].join()").result, "2,1")


class KindsTests(OwnKernelTestCase):
    """What TypeScript 5.9 can write, used in a later cell."""

    def check(self, first, second, result):
        ran = self.run_cell(first)
        self.assertEqual(ran.reply["status"], "ok", ran.of("error"))
        ran = self.run_cell(second)
        self.assertEqual(ran.reply["status"], "ok", ran.of("error"))
        self.assertEqual(ran.result, result)

    def test_kinds_of_declarations(self):
        for first, second, result in (
            ("enum Color { Red, Green }\nconst enum Flat { One = 1 }", "[Color[Color.Green], Flat.One].join()", "Green,1"),
            ("namespace Units { export const ms = 1000; export interface Of { n: number } let hidden = 1; export function f() { return hidden; } }", "const of: Units.Of = { n: Units.ms }; of.n + Units.f()", "1001"),
            ("function tagged() { return tagged.count; }\nnamespace tagged { export let count = 3; }", "tagged.count++; tagged()", "4"),
            ("function counted() {}\ncounted.calls = 1;", "counted.calls + 1", "2"),
            ("declare global { interface Array<T> { second(): T } }\nArray.prototype.second = function () { return this[1]; };", "[1, 2].second()", "2"),
            ("export const a1 = 1; export function b1() { return 2; } export class C1 { c = 3 } export type T1 = number; export default 7", "const t: T1 = a1 + b1() + new C1().c; t", "6"),
            ("const mixin = <T extends new (...args: any[]) => object>(Base: T) => class extends Base { private hidden = 1; shown() { return this.hidden; } };", "class Mixed extends mixin(Object) {}\nnew Mixed().shown()", "1"),
            ("const Box = class { #inside = 5; private own = 1; get() { return this.#inside + this.own; } };", "new Box().get()", "6"),
            ("interface Hidden { a: number }\nfunction make(): Hidden { return { a: 4 }; }", "make().a", "4"),
            ("const made = (() => { class Local { v = 8; } return new Local(); })();", "made.v", "8"),
            ("type Pair<A, B = A> = [A, B];\nconst pair: Pair<number> = [1, 2];", "const other: Pair<string, number> = ['a', pair[1]]; other.join()", "a,2"),
            ("abstract class Base { abstract x(): number; y() { return this.x(); } }", "class D extends Base { x() { return 3; } }\nnew D().y()", "3"),
            ("const unique: unique symbol = Symbol('u');\nconst keyed = { [unique]: 1 };", "keyed[unique]", "1"),
            ("import A1 = Units.ms;\nimport type { Stats } from 'node:fs';\nimport { type Dirent, statSync } from 'node:fs';", "const s: Stats = statSync('/'); const d: Dirent[] = []; s.isDirectory() && A1 === 1000 && d.length === 0", "true"),
            ("interface Both { t: number }\nconst Both = 5;", "const both: Both = { t: Both }; both.t", "5"),
            ("function* numbers() { yield 1; yield 2; }\nasync function* later() { yield* numbers(); }", "const all: number[] = []; for await (const n of later()) all.push(n); all.join()", "1,2"),
            ("function over(a: string): string; function over(a: number): number; function over(a: any) { return a; }", "over(3).toFixed(1) + over('x')", "3.0x"),
            ("const point = { x: 1, y: 2 } as const satisfies object;", "const x: 1 = point.x; x", "1"),
            ("function infer<T>(a: T, b: NoInfer<T>) { return a ?? b; }", "infer<number>(1, 2)", "1"),
            ("let log: string[] = [];\n{ using r = { [Symbol.dispose]() { log.push('gone'); } }; log.push('there'); }", "log.join()", "there,gone"),
            ("using top = { v: 1, [Symbol.dispose]() { log.push('end'); } };\nlog.push('cell');", "log.at(-1)! + top.v", "end1"),
            ("[3, 1, 2].toSorted(); const { promise: pr } = { promise: 1 };", "[3, 1].toSorted().join() + 'ab'.isWellFormed()", "1,3true"),
            ("function logged(target: any, context: ClassMethodDecoratorContext) { return function (this: any) { return 'logged ' + target.call(this); }; }", "class L { @logged hi() { return 'hi'; } }\nnew L().hi()", "logged hi"),
            ("const React = { createElement: (tag: string, props: any, ...rest: any[]) => [tag, props?.id, ...rest].join(' ') };\ndeclare global { namespace JSX { interface IntrinsicElements { b: any } } }", "<b id=\"x\">{1 + 1}</b>", "b x 2"),
            ("abc: for (const q of [1, 2]) { for (;;) continue abc; }\nlet und; let arr = [];", "und = 5; arr.push(1); und + arr.length", "6"),
            ("const __proto = 1; let $dollar = 2; let größe = 3;", "__proto + $dollar + größe", "6"),
            ("async function inner() { const value = await Promise.resolve(1); return value; }\nlet [p, ...q] = [1, 2, 3];", "[await inner(), p, q.length].join()", "1,1,2"),
            ("let get = 1, set = 2, of2 = 3, async = 4;", "get + set + of2 + async", "10"),
        ):
            with self.subTest(first):
                self.check(first, second, result)


class DirectoryTests(OwnKernelTestCase):
    @classmethod
    def prepare(cls):
        with open(f"{cls.directory}/tsconfig.json", "w") as file:
            file.write('{ // as in any project\n "compilerOptions": { "strict": true, "experimentalDecorators": true, "paths": { "@lib/*": ["./lib/*"] } } }')

    def test_decorators_of_the_directorys_kind(self):
        self.run_cell("function old(target: object, key: string) { (target as any)[key + 's'] = 2; }")
        self.assertEqual(self.run_cell("class O { @old part = 1; }\n(new O() as any).parts").result, "2")
        self.assertIn("TS7006", self.run_cell("const f = (a) => a;").traceback)


class ErrorPlaceTests(KernelTestCase):
    def test_messages_use_the_cells_names(self):
        self.run_cell("let notThere: any; const inside: any = {};")
        self.assertEqual(self.run_cell("notThere()").error["evalue"], "notThere is not a function")
        self.assertEqual(self.run_cell("inside.a.b()").error["evalue"], "Cannot read properties of undefined (reading 'b')")
        self.assertEqual(self.run_cell("new inside.Thing()").error["evalue"], "inside.Thing is not a constructor")

    def test_nothing_runs_of_a_cell_with_a_type_error(self):
        self.run_cell("import { writeFileSync, existsSync } from 'node:fs';")
        with open(f"{self.directory}/effect.ts", "w") as file:
            file.write('import { writeFileSync } from "node:fs";\nwriteFileSync("mark", "");\nexport const x = 1;')
        self.assertIn("TS2322", self.run_cell("import { x } from './effect';\nwriteFileSync('mark', ''); const wrong: string = x;").traceback)
        self.assertEqual(self.run_cell("existsSync('mark')").result, "false")

    def test_console_shows_stacks_in_the_cells_lines(self):
        count = self.run_cell("function thrower() {\n  return new Error('shown');\n}").reply["execution_count"]
        text = self.run_cell("console.log(thrower());").text("stdout")
        self.assertIn(f"at thrower (cell [{count}]:2:10)", text)
        self.assertNotIn("dist", text)
        self.assertIn(f"cell [{count + 2}]:2:9", self.run_cell("\nconsole.trace('here');").text("stderr"))


if __name__ == "__main__":
    main()
