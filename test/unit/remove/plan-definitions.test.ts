import { describe, expect, it } from 'vitest';
import { type DefinitionRequest, type OwnedFile, planDefinitions } from '../../../src/remove/plan-definitions.ts';

const ETC = '/etc/extupdate/transfer.d';
const USR = '/usr/lib/extupdate/transfer.d';
const SWITCH = `${ETC}/app.component.d/50-systemd-sysupdate-enabled.conf`;

function file(directory: string, who: 'add' | 'hand' | 'mask', fileName = 'app.transfer'): OwnedFile {
  const origin = directory.includes('sysupdate') ? 'sysupdate' : 'extupdate';
  const path = `${directory}/${fileName}`;
  return { path, place: path, directory, fileName, masked: who === 'mask', origin, byAdd: who === 'add' };
}

function plan(files: readonly OwnedFile[], more: Partial<DefinitionRequest> = {}): string[] {
  const own = [ETC, '/etc/sysupdate.app.d'];
  const request = { files, beside: [], own, purge: false, disableFile: SWITCH, ...more };
  return planDefinitions(request).map((change) => `${change.action} ${change.file}`);
}

describe('what becomes of definitions', () => {
  it.each([
    ['written by add', [file(ETC, 'add')], [`delete ${ETC}/app.transfer`]],
    ['shipped', [file(USR, 'hand')], [`mask ${ETC}/app.transfer`]],
    [
      'shipped, twice',
      [file('/usr/local/lib/extupdate/transfer.d', 'hand'), file(USR, 'hand')],
      [`mask ${ETC}/app.transfer`],
    ],
    ['written by add over what was shipped', [file(ETC, 'add'), file(USR, 'hand')], [`mask ${ETC}/app.transfer`]],
    ['masked already', [file(ETC, 'mask'), file(USR, 'hand')], []],
    ['of this boot only', [file('/run/extupdate/transfer.d', 'hand')], [`mask ${ETC}/app.transfer`]],
    ['by hand', [file(ETC, 'hand')], [`disable ${SWITCH}`, `keep ${ETC}/app.transfer`]],
    [
      'by hand, over what was shipped',
      [file(ETC, 'hand'), file(USR, 'hand')],
      [`disable ${SWITCH}`, `keep ${ETC}/app.transfer`],
    ],
    [
      'of systemd-sysupdate',
      [file('/usr/lib/sysupdate.app.d', 'hand', '10-x.conf')],
      ['mask /etc/sysupdate.app.d/10-x.conf'],
    ],
  ])('%s', (_, files, changes) => {
    expect(plan(files)).toEqual(changes);
  });

  it('with --purge, what was written by hand goes, too', () => {
    expect(plan([file(ETC, 'hand')], { purge: true })).toEqual([`delete ${ETC}/app.transfer`]);
    expect(plan([file(ETC, 'hand'), file(USR, 'hand')], { purge: true })).toEqual([`mask ${ETC}/app.transfer`]);
  });

  it('drop-ins that a program has written go with their component, others with --purge', () => {
    const beside = [
      { path: SWITCH, isGenerated: true },
      { path: `${ETC}/app.transfer.d/mine.conf`, isGenerated: false },
    ];
    const files = [file(ETC, 'add')];
    expect(plan(files, { beside })).toEqual([
      `delete ${ETC}/app.transfer`,
      `delete ${SWITCH}`,
      `keep ${ETC}/app.transfer.d/mine.conf`,
    ]);
    expect(plan(files, { beside, purge: true })).toEqual([
      `delete ${ETC}/app.transfer`,
      `delete ${SWITCH}`,
      `delete ${ETC}/app.transfer.d/mine.conf`,
    ]);
  });

  it('of several definitions none is gone before the component is off', () => {
    const files = ['10-a.transfer', '20-b.transfer'].map((name) => file('/usr/lib/sysupdate.app.d', 'hand', name));
    expect(plan(files, { beside: [{ path: SWITCH, isGenerated: true }] })).toEqual([
      `disable ${SWITCH}`,
      'mask /etc/sysupdate.app.d/10-a.transfer',
      'mask /etc/sysupdate.app.d/20-b.transfer',
      `delete ${SWITCH}`,
    ]);
  });
});
