/**
 * Parts of Node that it offers to nobody. `process.binding` is deprecated and has
 * no successor that reaches them; both threads need one.
 */
export function nodeInternal<Part>(name: string): Part {
  const node = process as unknown as { noDeprecation?: boolean; binding(name: string): Part };
  const { noDeprecation } = node;
  node.noDeprecation = true;
  try {
    return node.binding(name);
  } finally {
    node.noDeprecation = noDeprecation ?? false;
  }
}
