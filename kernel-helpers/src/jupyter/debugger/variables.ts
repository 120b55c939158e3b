/** Values of the main thread as the debug protocol shows them: what can be opened has a number. */
import type { Runtime } from "node:inspector";

/** A variable of the Debug Adapter Protocol. */
export interface Variable {
  name: string;
  value: string;
  type: string;
  evaluateName: string;
  /** What opens it; 0 for what has no parts. */
  variablesReference: number;
}

/** Texts are cut off here: a panel shows a line of each. */
const MOST_CHARACTERS = 2000;

/** Numbers for objects that the inspector holds, until the code goes on. */
export class References {
  readonly #objects: string[] = [];

  clear(): void {
    this.#objects.length = 0;
  }

  of(objectId: string | undefined): number {
    return objectId === undefined ? 0 : this.#objects.push(objectId);
  }

  objectOf(reference: number): string | undefined {
    return this.#objects[reference - 1];
  }

  variable(name: string, value: Runtime.RemoteObject | undefined): Variable {
    const variablesReference = this.of(
      value?.type === "object" || value?.type === "function" ? value.objectId : undefined,
    );
    return { name, value: textOf(value), type: typeOf(value), evaluateName: name, variablesReference };
  }
}

function typeOf(value: Runtime.RemoteObject | undefined): string {
  return value?.className ?? value?.subtype ?? value?.type ?? "";
}

/** One line for a value. */
export function textOf(value: Runtime.RemoteObject | undefined): string {
  if (!value) return "(getter)";
  return whole(value).slice(0, MOST_CHARACTERS);
}

function whole({ type, subtype, value, description, unserializableValue, preview }: Runtime.RemoteObject): string {
  if (type === "string") return JSON.stringify(value);
  if (type === "function") return String(description).replace(/\s*(?:=>|\{)[^]*$/, "");
  if (preview && subtype !== "error" && preview.properties.length > 0) return previewText(preview);
  return unserializableValue ?? description ?? String(value);
}

function previewText({ subtype, description = "", properties, overflow }: Runtime.ObjectPreview): string {
  const isList = subtype === "array" || subtype === "typedarray";
  const parts = properties.map(({ name, type, value = type }) => {
    const text = type === "string" ? JSON.stringify(value) : value;
    return isList && /^\d+$/.test(name) ? text : `${name}: ${text}`;
  });
  if (overflow) parts.push("…");
  const named = description === "Object" || /^Array\(\d+\)$/.test(description) ? "" : `${description} `;
  return isList ? `${named}[${parts.join(", ")}]` : `${named}{ ${parts.join(", ")} }`;
}
