// Loaded into the program by NODE_OPTIONS: its wall clock jumps as soon as a file is there. Monotonic time goes on.
const { existsSync } = require('node:fs');

const { EXTUPDATE_TEST_JUMP_AT: flag, EXTUPDATE_TEST_JUMP_MS: by } = process.env;
const RealDate = Date;
const now = () => RealDate.now() + (existsSync(flag) ? Number(by) : 0);

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }
  static now() {
    return now();
  }
};
