"""What tslab's own tests of its converter and executor ask for, asked of this kernel."""

from harness import OwnKernelTestCase, main, os


class TslabCases(OwnKernelTestCase):
    def ok(self, code, result=None):
        ran = self.run_cell(code)
        self.assertEqual(ran.reply["status"], "ok", ran.of("error"))
        if result is not None:
            self.assertEqual(ran.result, result)

    def wrong(self, code, complaint):
        self.assertIn(complaint, self.run_cell(code).traceback)

    def test_numbers_through_several_cells(self):
        self.ok("let x = 3, y = 4;")
        self.ok("let z = x * y; z -= 2;", "10")
        self.ok("y = x * z;", "30")
        self.ok("x = Math.max(z, y)", "30")
        self.ok("[x, y, z].join()", "30,30,10")

    def test_names_that_become_something_else(self):
        for first, second, use, result in (
            ("enum Direction { Up = 1, Down }", "let Direction = null;", "String(Direction)", "null"),
            ("class A {}\nclass B {}", "let A = 10;", "A + typeof B", "10function"),
            ("class A {}", "interface A { x: number }", "const a: A = { x: 1 }; a.x", "1"),
            ("enum E { K = 1 }", "let E = 10;", "E", "10"),
            ("interface itype { x: number }\ntype atype = itype | number;", "class itype { y = 's'; }\nlet atype = 123;", "const t: atype = atype; new itype().y + t", "s123"),
            ("import { CpuInfo, UserInfo } from 'os';", "interface CpuInfo { x: number }", "const c: CpuInfo = { x: 1 }; c.x", "1"),
            ("import { CpuInfo } from 'os';", "let CpuInfo = 10;", "const cs: CpuInfo[] = []; cs.length + CpuInfo", "10"),
            ("import { cpus } from 'os';", "let cpus = 10;", "cpus", "10"),
            ("import { cpus } from 'os';", "type cpus = number;", "const n: cpus = cpus().length; n > 0", "true"),
            ("import * as os from 'os';", "let os = 10;", "os", "10"),
            ("let process = 5;", "let same = process;", "same", "5"),
            ("interface Map { mymethod(): number }\nfunction createMap(): Map { return { mymethod: () => 2 }; }", "let n = createMap();", "n.mymethod()", "2"),
            ("async function fn() { return 0; }\nclass Promise {}", "1", "(await fn()) + typeof Promise", "0function"),
        ):
            with self.subTest(first + " → " + second):
                self.ok(first)
                self.ok(second)
                self.ok(use, result)

    def test_imports_in_every_form(self):
        for start in ('import * as crypto from "crypto";', 'import crypto from "crypto";', 'const crypto = await import("crypto");'):
            self.ok(f'{start}\nconst hash = () => crypto.createHash("sha256").update("x").digest("hex").slice(0, 6);\nhash()', "2d7116")
            self.ok("hash() + typeof crypto.createHash", "2d7116function")
        self.ok('import { createHash } from "crypto"; createHash.name', "createHash")
        self.ok('let createHash = "text"; createHash', "text")

    def test_complaints(self):
        self.wrong("let x + y;", "TS1005")
        self.wrong("let twice = 3; let twice = 4;", "TS2451")
        self.wrong("let div = document.createElement('div');", "TS2584")
        self.wrong("interface Shape { color: string }\nclass ShapeImpl implements Shape {}", "2:7 - TS2420")
        self.wrong("const s: string = 1; let n: number = true;", "TS2322")

    def test_last_values(self):
        for code, result in (
            ("let lone = 1; lone", "1"),
            ("let p: any, q: any; p = q = 4", "4"),
            ("({ x: 10 })", "{ x: 10 }"),
            ("new Promise((resolve) => resolve(1))", "Promise { 1 }"),
            ("await Promise.resolve('Hello')", "Hello"),
            ("({}).constructor === Object", "true"),
            ("let person: any = new Object(); person['name'] = 'ada'; person", "{ name: 'ada' }"),
            ("const o = { a: { b: null as null | { c: number } } }; o.a?.b?.c ?? 'none'", "none"),
        ):
            self.ok(code, result)
        for code in ("let quiet = 1;", "function f() {}", "if (true) 5;", "{x: 10}", "null", ""):
            self.assertEqual(self.run_cell(code).of("execute_result"), [])

    def test_modules_in_cells(self):
        self.ok("/** @module mylib */\nexport const a = 'AAA';")
        self.ok('import * as mylib from "./mylib";\nmylib.a + "BBB"', "AAABBB")
        self.ok("/** @module mylib */\nexport let a = 'XXX';")
        self.ok('import * as mylib from "./mylib";\nmylib.a + "BBB"', "XXXBBB")
        self.ok("/** @module hidden */\nconst inside = 1;")
        self.wrong("inside", "TS2304")

    def test_files_beside_the_notebook(self):
        os.makedirs(os.path.join(self.directory, "pkg/b"))
        for name, text in {"a.ts": 'export const a: string = "AAA";', "b/c.ts": 'import { a } from "../a";\nexport const b = "BBB" + a;', "rand.ts": 'import { randomBytes } from "crypto";\nexport const uid = randomBytes(8).toString("hex");', "bad.ts": 'export const v: number = "AAA";'}.items():
            with open(os.path.join(self.directory, "pkg", name), "w") as file:
                file.write(text)
        self.ok('import { b } from "./pkg/b/c"; b', "BBBAAA")
        self.ok('import { uid } from "./pkg/rand"; const first = uid;')
        self.ok('import { uid } from "./pkg/rand"; first === uid', "true")
        self.wrong('import { v } from "./pkg/bad";', "pkg/bad.ts:1:14 - TS2322")

    def test_the_same_cell_again(self):
        for _ in range(3):
            self.ok("let again = 1; again + 1", "2")
            self.ok("again + 5", "6")


if __name__ == "__main__":
    main()
