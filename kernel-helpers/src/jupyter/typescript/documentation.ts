/** The documentation of a name, read from the comment above its declaration. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";

export interface Documentation {
  text: string;
  /** Such as `@example add(1, 2)`. */
  tags: string[];
}

/** A comment at the end of a text, with nothing but modifiers behind it. */
const lastComment = /\/\*\*(?:[^*]|\*(?!\/))*\*\/(?=\s*(?:(?:export|declare|default|abstract|const|let|var)\s+)*$)/;
/** So long a comment may be. */
const MOST_CHARACTERS = 20_000;

/** What the first of some declarations that has documentation says. @param textOf the text of a file */
export function documentationOf(
  declarations: readonly TS.DefinitionInfo[],
  textOf: (file: string) => string,
): Documentation {
  for (const { fileName, textSpan, contextSpan } of declarations) {
    const end = (contextSpan ?? textSpan).start;
    const comment = lastComment.exec(textOf(fileName).slice(Math.max(0, end - MOST_CHARACTERS), end))?.[0];
    if (comment) return read(comment);
  }
  return { text: "", tags: [] };
}

function read(comment: string): Documentation {
  const file = ts.createSourceFile("comment.ts", `${comment}\nlet _;`, ts.ScriptTarget.Latest, true);
  const written = ts.getJSDocCommentsAndTags(file.statements[0]!).filter((one) => ts.isJSDoc(one));
  const text = (part: TS.JSDoc["comment"]): string => ts.getTextOfJSDocComment(part) ?? "";
  return {
    text: written.map(({ comment }) => text(comment)).join("\n"),
    tags: written.flatMap(({ tags }) =>
      (tags ?? []).map((tag) => `@${tag.tagName.text} ${named(tag)}${text(tag.comment)}`),
    ),
  };
}

/** The name that a tag such as `@param n` is about. */
function named(tag: TS.JSDocTag): string {
  return ts.isJSDocParameterTag(tag) || ts.isJSDocTemplateTag(tag) ? `${tag.getText().split(/\s+/)[1] ?? ""} ` : "";
}
