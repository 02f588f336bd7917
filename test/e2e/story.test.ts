import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { definition } from '../support/world.ts';

describeAlikeHosts('trixie', 'the story of one extension', (suite) => {
  let e2e: E2e;
  beforeAll(async () => {
    e2e = await startE2e(suite);
    // A versioned directory for one, a link for the other: both layouts, side by side.
    e2e.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${e2e.server.url}/app`, MatchPattern: 'app_@v.raw' },
        Target: { Path: '/var/lib/extensions/app.raw.v' },
      }),
    );
    e2e.write(
      'etc/sysupdate.tool.d/tool.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${e2e.server.url}/tool`, MatchPattern: 'tool-@v.raw' },
        Target: { Path: '/var/lib/extensions.d', CurrentSymlink: '/var/lib/extensions/tool.raw' },
      }),
    );
    await e2e.publish('app', { 'app_1.raw': image('app', '1') });
    await e2e.publish('tool', { 'tool-1.raw': image('tool', '1') });
  });
  afterAll(() => e2e?.stop());

  it('installs both and merges them', async () => {
    const result = await e2e.run('apply');
    expect(result).toMatchObject({ status: 0, stdout: 'app: activated 1\ntool: activated 1\n' });
    expect(await e2e.merged()).toEqual(['app', 'tool']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    expect(await e2e.cat('/usr/share/tool/version')).toBe('1');
  });

  it('has nothing to do the second time', async () => {
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
  });

  it('updates both', async () => {
    await e2e.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2') });
    await e2e.publish('tool', { 'tool-1.raw': image('tool', '1'), 'tool-2.raw': image('tool', '2') });
    const result = await e2e.run('apply');
    expect(result).toMatchObject({ status: 0, stdout: 'app: activated 2 (was 1)\ntool: activated 2 (was 1)\n' });
    expect(await e2e.merged()).toEqual(['app', 'tool']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
    expect(await e2e.cat('/usr/share/tool/version')).toBe('2');
  });

  it('leaves a newer version for another OS alone', async () => {
    const other = { release: { ID: 'testos', VERSION_ID: '2' } };
    await e2e.publish('app', { 'app_2.raw': image('app', '2'), 'app_3.raw': image('app', '3', other) });
    const document = await e2e.json('check');
    expect(document.components[0]).toMatchObject({ name: 'app', current: '2', candidate: null });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
  });

  it('refuses a bad signature, and the next good run needs no help', async () => {
    const files = { 'app_2.raw': image('app', '2'), 'app_4.raw': image('app', '4') };
    await e2e.publish('app', files);
    const stranger = await (await import('../support/repository.ts')).makeKey();
    await e2e.publish('app', files, { key: stranger });
    const refused = await e2e.run('apply app');
    expect(refused.status).toBe(11);
    expect(refused.stderr).toContain('which is not in the keyring');
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
    await e2e.publish('app', files);
    expect(await e2e.run('apply app')).toMatchObject({ status: 0, stdout: 'app: activated 4 (was 2)\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('4');
  });

  it('survives a reboot: systemd merges the same by itself', async () => {
    await e2e.host.reboot();
    expect(await e2e.merged()).toEqual(['app', 'tool']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('4');
  });
});
