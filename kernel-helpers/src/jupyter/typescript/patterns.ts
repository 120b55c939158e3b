/** Declarations written as assignments: `const { a, b: [c = 1] } = o` becomes `({ a: S.a, b: [S.c = 1] } = o)`. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import { bare } from "./syntax.js";

/** Where the value of a declared name goes. */
export type Place = (name: TS.Identifier) => TS.Expression;

/** What stands on the left of the assignment. */
export function assignmentTarget(factory: TS.NodeFactory, name: TS.BindingName, place: Place): TS.Expression {
  if (ts.isIdentifier(name)) return place(name);
  if (ts.isObjectBindingPattern(name)) {
    const properties = name.elements.map((one) => {
      const target = assignmentTarget(factory, one.name, place);
      if (one.dotDotDotToken) return factory.createSpreadAssignment(target);
      const key = one.propertyName ?? factory.createIdentifier((one.name as TS.Identifier).text);
      return factory.createPropertyAssignment(key, withDefault(factory, target, one));
    });
    return ts.setTextRange(factory.createObjectLiteralExpression(properties), name);
  }
  const elements = name.elements.map((one) => {
    if (ts.isOmittedExpression(one)) return one;
    const target = assignmentTarget(factory, one.name, place);
    return one.dotDotDotToken ? factory.createSpreadElement(target) : withDefault(factory, target, one);
  });
  return ts.setTextRange(factory.createArrayLiteralExpression(elements), name);
}

function withDefault(factory: TS.NodeFactory, target: TS.Expression, element: TS.BindingElement): TS.Expression {
  if (!element.initializer) return target;
  const value = ts.isIdentifier(element.name)
    ? named(factory, element.name.text, element.initializer)
    : element.initializer;
  return factory.createAssignment(target, value);
}

/** The assignment that a declaration with a value stands for. */
export function assignment(
  factory: TS.NodeFactory,
  name: TS.BindingName,
  value: TS.Expression,
  place: Place,
): TS.Expression {
  const right = ts.isIdentifier(name) ? named(factory, name.text, value) : value;
  return factory.createAssignment(assignmentTarget(factory, name, place), right);
}

/** A function or class without a name of its own gets that of the variable, which an assignment to a property does not give it. */
function named(factory: TS.NodeFactory, name: string, value: TS.Expression): TS.Expression {
  const inner = bare(value);
  const isAnonymous =
    ts.isArrowFunction(inner) || ((ts.isFunctionExpression(inner) || ts.isClassExpression(inner)) && !inner.name);
  if (!isAnonymous) return value;
  const key = factory.createComputedPropertyName(factory.createStringLiteral(name)); // __proto__ is a name like any other
  const holder = factory.createObjectLiteralExpression([factory.createPropertyAssignment(key, value)]);
  return factory.createElementAccessExpression(
    factory.createParenthesizedExpression(holder),
    factory.createStringLiteral(name),
  );
}
