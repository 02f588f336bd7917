/** Loaded before the program (`--import`): what V8 has compiled of each part by the end is kept beside the program. */
import { realpathSync, renameSync, writeFileSync } from 'node:fs';
import vm from 'node:vm';
import { compiledPath, packCompiled, partOfScript } from '../load-part.ts';

const recorded: { readonly name: string; readonly text: string; readonly script: vm.Script }[] = [];

vm.Script = class extends vm.Script {
  constructor(source: string, options: vm.ScriptOptions & { readonly filename: string }) {
    super(source, options);
    recorded.push({ ...partOfScript(options.filename, source), script: this });
  }
} as typeof vm.Script;

process.on('exit', () => {
  const program = realpathSync(process.argv[1] ?? '');
  for (const { name, text, script } of recorded) {
    const file = compiledPath(program, name);
    writeFileSync(`${file}.new`, packCompiled(text, script.createCachedData()));
    renameSync(`${file}.new`, file);
  }
});
