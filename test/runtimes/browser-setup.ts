/** What tests use of Node, and a page has under another name: `setImmediate` waits for one turn of the event loop. */
const page = globalThis as { setImmediate?: (run: () => void) => void };

page.setImmediate ??= (run: () => void): void => {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    run();
  });
  port1.start();
  port2.postMessage(undefined);
};
