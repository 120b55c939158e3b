"""Imports as in a script beside the notebook: files of every kind, packages, and what changes while the kernel runs."""

import json

from harness import OwnKernelTestCase, main, os


class ImportTests(OwnKernelTestCase):
    @classmethod
    def prepare(cls):
        cls.outer = cls.directory
        cls.directory = os.path.join(cls.outer, "book")
        os.mkdir(cls.directory)
        cls.put("package.json", '{ "imports": { "#inner": "./src/inner.ts" }, "type": "commonjs" }')
        cls.put("tsconfig.json", '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }')
        cls.put("src/inner.ts", "export const inner: string = 'inner';")
        cls.put("lib/tool.ts", "export const tool: string = 'tool';")
        cls.put("plain.ts", "export default function plain(): string { return 'plain'; }\nexport const named: number = 1;\nexport type Shape = { a: number };\nexport let count = 0;\nexport function more() { count++; }")
        cls.put("modern.mts", "export const modern: string = import.meta.url.split('/').pop()!;")
        cls.put("view.tsx", "/** @jsx h */\nconst h = (tag: string, _: unknown) => tag;\nexport const view: string = <b/> as any;\ndeclare global { namespace JSX { interface IntrinsicElements { b: object } } }")
        cls.put("script.mjs", "export default 'mjs';\nexport const late = await Promise.resolve('late');")
        cls.put("old.cjs", "module.exports = { old: 'cjs', dir: __dirname.split('/').pop(), file: require('path').basename(__filename) };")
        cls.put("legacy.js", "exports.js = 'js';")
        cls.put("data.json", '{ "answer": 42 }')
        cls.put("dir/index.ts", "export const dir: string = 'dir';")
        cls.put("../shared/util.ts", "import { dir } from '../book/dir';\nexport const util: string = 'util ' + dir;")
        cls.put("circle-a.ts", "import { b } from './circle-b';\nexport function a(): string { return 'a'; }\nexport const both = (): string => a() + b();")
        cls.put("circle-b.ts", "import { a } from './circle-a';\nexport function b(): string { return 'b' + a(); }")
        cls.put("fails.ts", "interface Gone { a: number }\n\nexport function fails(): never {\n  throw new RangeError('in the module');\n}")
        cls.put("wrong.ts", "export const n: number = 'text';")
        cls.package("exports-only", {"exports": {".": {"types": "./t.d.ts", "import": "./m.mjs"}, "./sub": "./s.js"}, "type": "module"}, {"m.mjs": "export const only = 'only';", "t.d.ts": "export declare const only: string;", "s.js": "export const sub = 'sub';"})
        cls.package("awaits", {"type": "module", "main": "i.js", "types": "i.d.ts"}, {"i.js": "export default await Promise.resolve('awaited');", "i.d.ts": "declare const d: string; export default d;"})
        cls.package("untyped", {"main": "i.js"}, {"i.js": "module.exports = () => 'untyped';"})

    @classmethod
    def end(cls):
        cls.directory = cls.outer
        super().end()

    @classmethod
    def put(cls, name, text):
        path = os.path.join(cls.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    @classmethod
    def package(cls, name, about, files):
        cls.put(f"node_modules/{name}/package.json", json.dumps({"name": name, "version": "1.0.0", **about}))
        for file, text in files.items():
            cls.put(f"node_modules/{name}/{file}", text)

    def check(self, code, result):
        ran = self.run_cell(code)
        self.assertEqual(ran.reply["status"], "ok", ran.of("error"))
        self.assertEqual(ran.result, result)

    def test_every_kind_of_file(self):
        for code, result in (
            ("import plain, { named, type Shape } from './plain';\nconst shape: Shape = { a: named }; plain() + shape.a", "plain1"),
            ("import * as all from './plain'; all.default() + all.named", "plain1"),
            ("import { modern } from './modern.mjs'; modern", "modern.mts"),
            ("import { modern as m2 } from './modern.mts'; m2", "modern.mts"),
            ("import { view } from './view'; view", "b"),
            ("import mjs, { late } from './script.mjs'; mjs + late", "mjslate"),
            ("import old from './old.cjs'; [old.old, old.dir, old.file].join()", "cjs,book,old.cjs"),
            ("import { old as o3 } from './old.cjs'; o3", "cjs"),
            ("import { js } from './legacy.js'; js", "js"),
            ("import data, { answer } from './data.json'; data.answer + answer", "84"),
            ("import withIt from './data.json' with { type: 'json' }; withIt.answer", "42"),
            ("import path, { basename } from 'node:path'; import * as fs from 'node:fs'; path.join('a', basename('/b')) + typeof fs.readFileSync", "a/bfunction"),
            ("import { dir } from './dir'; dir", "dir"),
            ("import { util } from '../shared/util'; util", "util dir"),
            ("import { tool } from '@lib/tool'; tool", "tool"),
            ("import { inner } from '#inner'; inner", "inner"),
            ("import { both } from './circle-a'; both()", "aba"),
            ("import { only } from 'exports-only'; only", "only"),
            ("import { sub } from 'exports-only/sub'; sub", "sub"),
            ("import awaited from 'awaits'; awaited", "awaited"),
            ("import untyped from 'untyped'; untyped()", "untyped"),
            ("import required = require('./old.cjs'); required.old", "cjs"),
            ("const later = await import('./plain'); later.default() + later.named", "plain1"),
            ("(await import('data:text/javascript,export default 5')).default", "5"),
            ("(await import('./data.json')).default.answer", "42"),
            ("(await import('awaits')).default", "awaited"),
            ("[import.meta.url.startsWith('file:///'), import.meta.dirname === process.cwd(), __dirname === process.cwd()].join()", "true,true,true"),
            ("[require('./old.cjs').old, require('./plain').named, require('./data.json').answer, require('untyped')()].join()", "cjs,1,42,untyped"),
            ("import { more, count } from './plain'; more(); count", "1"),
        ):
            with self.subTest(code):
                self.check(code, result)
        # And in a later cell, as it is now.
        self.check("more(); [count, data.answer, all.named, path.sep, mjs, tool].join()", "2,42,1,/,mjs,tool")

    def test_an_edited_module_is_seen(self):
        self.put("deep.ts", "export const deep: number = 1;")
        self.put("middle.ts", "import { deep } from './deep';\nexport const middle = () => deep;")
        self.put("edited.json", '{ "v": 1 }')
        self.put("edited.mjs", "export const m = 1;")
        self.put("edited.cjs", "module.exports = { c: 1 };")
        code = "import { middle } from './middle';\nimport { deep } from './deep';\nimport ej from './edited.json';\nimport { m } from './edited.mjs';\nimport { c } from './edited.cjs';\n[middle(), deep, Object.values(ej)[0], m, c].join()"
        self.check(code, "1,1,1,1,1")
        self.put("deep.ts", "export const deep: string = 'two';")
        self.put("edited.json", '{ "v2": 22 }')
        self.put("edited.mjs", "export const m = 22;")
        self.put("edited.cjs", "module.exports = { c: 22 };")
        self.check("[middle(), deep.toUpperCase(), ej.v2, m, c].join()", "two,TWO,22,22,22")
        self.assertIn("TS2322", self.run_cell("const wrong: number = deep;").traceback)
        self.check(code, "two,two,22,22,22")

    def test_a_module_that_is_written_later_is_found(self):
        self.assertIn("TS2307", self.run_cell("import { soon } from './soon'; soon").traceback)
        self.put("soon.ts", "export const soon: number = 3;")
        self.check("import { soon } from './soon'; soon", "3")

    def test_a_package_that_is_installed_later_is_found(self):
        self.assertIn("coming", self.run_cell("import { came } from 'coming'; came").error["evalue"])
        self.assertEqual(self.run_cell("let found = 'one'; try { require('coming'); } catch { found = 'none'; }\nfound").result, "none")
        self.package("coming", {"main": "i.js", "types": "i.d.ts"}, {"i.js": "exports.came = 4;", "i.d.ts": "export declare const came: number;"})
        self.check("import { came } from 'coming'; came.toFixed(1)", "4.0")
        self.package("coming", {"version": "2.0.0", "main": "i.js", "types": "i.d.ts"}, {"i.js": "exports.came = 'five';", "i.d.ts": "export declare const came: string;"})
        self.check("import { came } from 'coming'; came.toUpperCase()", "FIVE")

    def test_an_error_in_a_module_has_its_own_line(self):
        ran = self.run_cell("import { fails } from './fails';\n\nfails();")
        self.assertEqual(ran.error["evalue"], "in the module")
        self.assertIn("fails.ts, line 4:", ran.traceback)
        self.assertIn("> 4 |   throw new RangeError('in the module');", ran.traceback)
        self.assertIn(":3:1", ran.traceback)
        self.assertIn("wrong.ts:1:14 - TS2322", self.run_cell("import { n } from './wrong'; n").traceback)

    def test_where_a_package_is(self):
        self.check("require.resolve('untyped').endsWith('/book/node_modules/untyped/i.js')", "true")
        self.check("require.resolve('rxjs').includes('/rxjs/') && require.resolve('./old.cjs').endsWith('/old.cjs')", "true")
        self.assertIn("nosuch", self.run_cell("require.resolve('nosuch')").error["evalue"])

    def test_tslab_itself(self):
        ran = self.run_cell('import * as tslab from "tslab";\ntslab.display.html("<b>x</b>");\nconst d = tslab.newDisplay();\nd.text("one");\nd.text("two");\ntslab.versions.typescript.split(".")[0]')
        self.assertEqual(ran.reply["status"], "ok", ran.of("error"))
        self.assertEqual([c["data"] for c in ran.of("display_data")], [{"text/html": "<b>x</b>"}, {"text/plain": "one"}])
        self.assertEqual([c["data"] for c in ran.of("update_display_data")], [{"text/plain": "two"}])
        self.assertEqual(ran.result, "5")


if __name__ == "__main__":
    main()
