import { describe, expect, test } from "vitest";
import { checkPlugin, definePlugin } from "../../src/kernel/plugin.ts";

describe("definePlugin()", () => {
  test.each([{ name: "p" }, { name: "p", setup: () => {} }, {
    name: "p",
    wrap: (x: object) => x,
    coverage: () => ({ governed: [], passedThrough: [], ungoverned: [] }),
  }])("definePlugin() gives the plugin back, when it is one: %j", (plugin) => {
    expect(definePlugin(plugin)).toBe(plugin);
  });

  test("definePlugin() takes an instance of a class, when its methods are inherited", () => {
    class Mine {
      readonly name = "mine";
      setup(): void {}
    }
    const plugin = new Mine();
    expect(definePlugin(plugin)).toBe(plugin);
  });

  test.each([
    [undefined, '"plugin" must be an object, and is undefined'],
    [null, '"plugin" must be an object, and is null'],
    [5, '"plugin" must be an object, and is 5'],
    [() => {}, '"plugin" must be an object, and is a function'],
    [{}, '"name" must be a string that is not empty, and is undefined'],
    [{ name: "" }, '"name" must be a string that is not empty, and is ""'],
    [{ name: 7 }, '"name" must be a string that is not empty, and is 7'],
    [{ name: "p", setup: 1 }, '"setup" must be a function, and is 1'],
    [{ name: "p", wrap: {} }, '"wrap" must be a function, and is an object'],
    [{ name: "p", coverage: null }, '"coverage" must be a function, and is null'],
  ])("definePlugin() throws a TypeError, when it is given %j", (plugin, message) => {
    expect(() => definePlugin(plugin as never)).toThrow(new TypeError(`Cannot build definePlugin(): ${message}`));
    expect(() => checkPlugin("use()", plugin as never)).toThrow(new TypeError(`Cannot build use(): ${message}`));
  });
});
