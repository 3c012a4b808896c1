import { describe, expect, test } from "vitest";
import {
  functionOf,
  numberBetween,
  ownOptions,
  show,
  stringList,
  wholeNumber,
  wrong,
  wrongType,
} from "../../src/base/check.ts";

describe("show()", () => {
  test.each([
    ["text", '"text"'],
    ["x".repeat(61), `"${"x".repeat(60)}"…`],
    ['a"\n\u0000', '"a\\"\\n\\u0000"'],
    [5, "5"],
    [-0, "-0"],
    [NaN, "NaN"],
    [5n, "5n"],
    [true, "true"],
    [undefined, "undefined"],
    [null, "null"],
    [[1, 2], "an array of 2"],
    [{ a: "secret" }, "an object"],
    [() => "secret", "a function"],
    [Symbol("secret"), "a symbol"],
  ])("show() says little of a value, when it is %o", (value, expected) => {
    expect(show(value)).toBe(expected);
  });
});

describe("wrong()", () => {
  test.each(
    [
      [
        wrong("x()", "max", "a whole number >= 1", 0),
        RangeError,
        'Cannot build x(): "max" must be a whole number >= 1, and is 0',
      ],
      [
        wrong("x()", "max", "a whole number >= 1", "0"),
        TypeError,
        'Cannot build x(): "max" must be a whole number >= 1, and is "0"',
      ],
      [wrongType("x()", "guard", "a guard", 0), TypeError, 'Cannot build x(): "guard" must be a guard, and is 0'],
    ] as const,
  )(
    "wrong() and wrongType() name place, field, wish and value, when an option is wrong: %s",
    (error, kind, message) => {
      expect(error).toBeInstanceOf(kind);
      expect(error.message).toBe(message);
    },
  );
});

describe("wholeNumber()", () => {
  test.each([0, 1, 10])("wholeNumber() answers the number, when it is %s of 0 to 10", (value) => {
    expect(wholeNumber("x()", "n", value, 0, 10)).toBe(value);
  });

  test.each(
    [
      [-1, RangeError],
      [11, RangeError],
      [1.5, RangeError],
      [NaN, RangeError],
      [Infinity, RangeError],
      [2 ** 53, RangeError],
      ["5", TypeError],
      [5n, TypeError],
      [null, TypeError],
      [undefined, TypeError],
      [[5], TypeError],
      [new Number(5), TypeError],
    ] as const,
  )(
    "wholeNumber() throws, when it is %s",
    (value, kind) => {
      expect(() => wholeNumber("x()", "n", value, 0, 10)).toThrow(kind);
      expect(() => wholeNumber("x()", "n", value, 0, 10)).toThrow(
        `Cannot build x(): "n" must be a whole number from 0 to 10, and is ${show(value)}`,
      );
    },
  );

  test("wholeNumber() names only the least, when there is no most", () => {
    expect(() => wholeNumber("x()", "n", 0, 1)).toThrow('"n" must be a whole number >= 1, and is 0');
    expect(wholeNumber("x()", "n", Number.MAX_SAFE_INTEGER, 1)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("numberBetween()", () => {
  test.each([0, 0.5, 1])("numberBetween() answers the number, when it is %s of 0 to 1", (value) => {
    expect(numberBetween("x()", "n", value, 0, 1)).toBe(value);
  });

  test.each([-0.1, 1.1, NaN, Infinity, "0.5", null, undefined, new Number(0.5)])(
    "numberBetween() throws, when it is %s",
    (value) => {
      expect(() => numberBetween("x()", "n", value, 0, 1)).toThrow(
        `Cannot build x(): "n" must be a number from 0 to 1, and is ${show(value)}`,
      );
    },
  );
});

describe("stringList()", () => {
  test("stringList() copies the list, when every item is a string", () => {
    const list = ["a", ""];
    expect(stringList("x()", "names", list)).toEqual(list);
    expect(stringList("x()", "names", list)).not.toBe(list);
  });

  test.each([
    ["a", '"names" must be an array of strings, and is "a"'],
    [undefined, '"names" must be an array of strings, and is undefined'],
    [{ length: 0 }, '"names" must be an array of strings, and is an object'],
    [["a", 1], '"names[1]" must be a string, and is 1'],
    [[, "a"], '"names[0]" must be a string, and is undefined'],
    [[new String("a")], '"names[0]" must be a string, and is an object'],
  ])("stringList() throws a TypeError, when it is %j", (value, message) => {
    expect(() => stringList("x()", "names", value)).toThrow(new TypeError(`Cannot build x(): ${message}`));
  });
});

test("functionOf() answers the function, and throws a TypeError, when it is none", () => {
  expect(functionOf("x()", "f", show)).toBe(show);
  expect(() => functionOf("x()", "f", 5)).toThrow(new TypeError('Cannot build x(): "f" must be a function, and is 5'));
});

describe("ownOptions()", () => {
  const read = (value: unknown) => ownOptions("x()", value as { a?: number; b?: number }, ["a", "b"]);

  test("ownOptions() answers the known keys alone, when no other is there", () => {
    expect({ ...read({ a: 1 }) }).toEqual({ a: 1 });
    expect(Object.hasOwn(read({ a: undefined }), "a")).toBe(true);
    expect((read({ a: 1 }) as { toString?: unknown }).toString).toBeUndefined();
  });

  test.each([
    [{ a: 1, c: 2 }, '"c" must be one of the known options (a, b), and is 2'],
    [null, '"options" must be an object, and is null'],
    [[], '"options" must be an object, and is an array of 0'],
    ["a", '"options" must be an object, and is "a"'],
    [undefined, '"options" must be an object, and is undefined'],
    [Object.create({ a: 1 }), "\"a\" must be the options' own, and is their class's"],
  ])("ownOptions() throws a TypeError, when it is %j", (value, message) => {
    expect(() => read(value)).toThrow(new TypeError(`Cannot build x(): ${message}`));
  });
});
