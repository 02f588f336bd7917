/** The API for programs, as clients of systemd use it; what units say they are at; and what the journal has of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { differences, type Idl, parseIdl } from '../support/varlink-idl.ts';

const SOCKET = '/run/extupdate/io.extupdate.Manager';
const MANAGER = 'io.extupdate.Manager';
/** Somebody without rights, and without an entry anywhere. */
const SOMEBODY = 'setpriv --reuid=1234 --regid=1234 --clear-groups --';

/** Connects as a user, and tells which processes are at the other end. */
const PROBE = `
  const { execFileSync } = require('node:child_process');
  const { readFileSync } = require('node:fs');
  const systemctl = (...words) => execFileSync('systemctl', words, { encoding: 'utf8' }).trim();
  const processOf = (pid) => {
    const status = readFileSync('/proc/' + pid + '/status', 'utf8');
    const field = (name) => new RegExp('^' + name + ':(.*)', 'm').exec(status)[1].trim();
    return { name: field('Name'), uid: Number(field('Uid').split('\\t')[0]), groups: field('Groups'), capabilities: field('CapEff') };
  };
  process.seteuid(Number(process.argv[2]));
  const socket = require('node:net').connect('${SOCKET}', () => {
    process.seteuid(0);
    socket.write('{"method":"org.varlink.service.GetInfo"}\\0');
  });
  socket.once('data', () => {
    const units = systemctl('list-units', '--no-legend', '--plain', '--state=active', 'extupdate-varlink@*').split('\\n');
    const group = systemctl('show', '-P', 'ControlGroup', units[0].split(' ')[0]);
    const pids = readFileSync('/sys/fs/cgroup' + group + '/cgroup.procs', 'utf8').trim().split('\\n');
    console.log(JSON.stringify({ units: units.length, processes: pids.map(processOf) }));
    socket.end();
  });
`;

describeHosts('the API for programs', (suite) => {
  let e2e: E2e;
  let idl: Idl;
  const sh = (script: string) => e2e.host.sh(script, { timeoutMs: 120_000 });
  const call = async (method: string, parameters: object = {}, { as = '', flags = '' } = {}) => {
    const result = await sh(
      `${as} varlinkctl call --json=short --timeout=120 ${flags} ${SOCKET} ${MANAGER}.${method} '${JSON.stringify(parameters)}'`,
    );
    const replies = result.stdout
      // With --more, a sequence of RFC 7464.
      .split(/[\n\u001e]+/)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const output = idl.methods.get(method)?.output;
    if (result.status === 0 && output) {
      expect(replies.flatMap((reply) => differences(idl, output, reply))).toEqual([]);
    }
    return { ...result, replies, reply: replies.at(-1) ?? {} };
  };
  const offer = (version: string, content: Buffer = image('app', version)) =>
    e2e.publish('app', { [`app_${version}.raw`]: content });
  /** What the program has written to the journal in a unit. */
  const entries = async (unit: string) => {
    const { stdout } = await sh(
      `journalctl --sync; journalctl -b -o json --no-pager _SYSTEMD_UNIT=${unit}.service SYSLOG_IDENTIFIER=extupdate`,
    );
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, string>);
  };

  beforeAll(async () => {
    e2e = await startE2e(suite);
    e2e.define('app');
    await e2e.installUnits('extupdate-varlink.socket');
    await offer('1');
    const started = await sh('systemctl start extupdate-varlink.socket');
    expect(started).toMatchObject({ status: 0 });
  });
  afterAll(() => e2e?.stop());

  it('is introspected by varlinkctl', async () => {
    const info = await sh(`varlinkctl info ${SOCKET}; varlinkctl list-interfaces ${SOCKET}`);
    expect(info.stdout).toMatch(/Product: extupdate\n/);
    expect(info.stdout).toMatch(new RegExp(`\n${MANAGER}\norg.varlink.service\n$`));
    for (const name of [MANAGER, 'org.varlink.service']) {
      const described = await sh(
        `varlinkctl introspect ${SOCKET} ${name} | tee /run/idl && varlinkctl validate-idl /run/idl`,
      );
      expect(described).toMatchObject({ status: 0, stderr: '' });
      if (name === MANAGER) idl = parseIdl(await e2e.cat('/run/idl'));
    }
    expect([...idl.methods.keys()]).toEqual(['List', 'Check', 'Status', 'Why', 'Apply']);
    expect(
      (await sh('readlink -e /run/varlink/registry/io.extupdate.Manager; stat -c %a:%u /run/extupdate/io*')).stdout,
    ).toBe(`${SOCKET}\n666:0\n`);
  });

  it('everybody can ask, and is told the same as root', async () => {
    for (const [method, parameters] of [
      ['List', { component: 'app' }],
      ['Check', {}],
      ['Status', {}],
      ['Why', { component: 'app' }],
    ] as const) {
      const [root, somebody] = [await call(method, parameters), await call(method, parameters, { as: SOMEBODY })];
      expect(somebody, method).toMatchObject({ status: 0, reply: { exit: 0, errors: [] } });
      expect(somebody.reply).toEqual(root.reply);
      const candidate = method === 'Status' ? null : '1';
      expect(root.reply.components).toMatchObject([{ name: 'app', current: null, candidate }]);
    }
    expect(await call('Why', { component: 'nix' }, { as: SOMEBODY })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${MANAGER}.NoSuchComponent`),
      reply: { component: 'nix' },
    });
  });

  it('only root can start an update, whoever else pretends to be', async () => {
    const graceful = '--graceful=org.varlink.service.PermissionDenied';
    for (const as of [
      SOMEBODY,
      `${SOMEBODY} unshare --user --map-root-user`,
      'unshare --pid --fork setpriv --reuid=1234 --regid=1234 --clear-groups',
    ]) {
      expect(await call('Apply', {}, { as }), as).toMatchObject({ status: 1, reply: {} });
      const refused = await call('Apply', {}, { as, flags: `--more ${graceful}` });
      expect(refused, as).toMatchObject({ status: 0, replies: [{}] });
    }
    // No word of the instance's name is the caller's.
    const names = await sh(
      "journalctl -b -o cat -u 'extupdate-varlink@*' | sed -n 's/^Started extupdate-varlink@\\(.*\\)\\.service.*/\\1/p' | sort -u",
    );
    expect(names.stdout).toMatch(suite === 'trixie' ? /^[0-9]+-[0-9]+-1234$/m : /^[0-9]+-[0-9]+-[0-9]+_[0-9]+-1234$/m);
    expect((await sh('systemctl show -P ActiveEnterTimestamp extupdate-install.service')).stdout).toBe('\n');
    expect(await e2e.merged()).toEqual([]);
  });

  it('what answers is nobody with nothing; for root alone there is a shell beside it', async () => {
    e2e.write('srv/probe.js', PROBE);
    const nobody = expect.objectContaining({ groups: '', capabilities: '0000000000000000' });
    for (const [uid, others] of [
      [1234, []],
      [0, [expect.objectContaining({ name: 'sh', uid: 0 })]],
    ] as const) {
      // The connections before it have ended.
      await sh('until [ -z "$(systemctl list-units --no-legend \'extupdate-varlink@*\')" ]; do sleep 0.05; done');
      const { stdout, stderr } = await sh(`/srv/node/bin/node /srv/probe.js ${uid}`);
      expect(stderr).toBe('');
      const { units, processes } = JSON.parse(stdout) as { units: number; processes: { uid: number }[] };
      expect(units).toBe(1);
      expect(processes).toHaveLength(1 + others.length);
      expect(processes).toEqual(expect.arrayContaining([nobody, ...others]));
      expect(Math.max(...processes.map((one) => one.uid))).toBeGreaterThan(60_000);
    }
  });

  it('Apply tells how it goes, and what came of it; systemctl status tells the same', async () => {
    // Some seconds of it.
    e2e.write('etc/extupdate/extupdate.conf', '[Extupdate]\nRateLimit=1M\n');
    const noise = Buffer.from(Array.from({ length: 3 << 20 }, (_, index) => (index * 2654435761) >>> 13));
    const large = image('app', '2', { files: { 'usr/share/app/version': '2', 'usr/share/app/noise': noise } });
    await offer('2', large);
    const seen = sh(
      'until systemctl status extupdate-acquire.service | grep "Status: .downloading"; do sleep 0.1; done',
    );
    const applied = await call('Apply', {}, { flags: '--more' });
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    expect((await seen).stdout).toMatch(/Status: "downloading app_2\.raw: [0-9]+ % of [0-9.]+ MiB, [0-9.]+ [KM]iB\/s"/);
    const progress = applied.replies.slice(0, -1).map((reply) => reply.progress as Record<string, string>);
    expect(progress).toContainEqual(
      expect.objectContaining({
        state: 'activating',
        text: expect.stringMatching(/^downloading app_2\.raw: [0-9]+ % of/),
      }),
    );
    expect(progress.map(({ unit }) => unit)).toContain('extupdate-activate.service');
    expect(applied.reply).toMatchObject({
      exit: 0,
      errors: [],
      components: [{ name: 'app', current: '2' }],
      done: [{ action: 'install' }, { action: 'expose' }, { component: 'app', action: 'activate', version: '2' }],
    });
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
    expect((await call('Apply')).reply).toMatchObject({ exit: 0, done: [], errors: [] });
    e2e.write('etc/extupdate/extupdate.conf', '');
    // What the update has fetched is seen, and not fetched again.
    e2e.server.requests.length = 0;
    await call('Check', {}, { as: SOMEBODY });
    expect(e2e.server.requests.map(({ status }) => status)).toEqual([304, 304]);
  });

  it('the journal has fields and priorities, from a unit that is not root and from one that is', async () => {
    for (const [unit, code, uid] of [
      ['extupdate-acquire', 'acquire', expect.stringMatching(/^6[0-9]{4}$/)],
      ['extupdate-activate', 'activate', '0'],
    ]) {
      expect(await entries(unit)).toContainEqual(
        expect.objectContaining({
          MESSAGE: expect.stringMatching(/^app: a(cquired|ctivated) 2/),
          PRIORITY: '6',
          EXTUPDATE_COMPONENT: 'app',
          EXTUPDATE_VERSION: '2',
          EXTUPDATE_OS: 'testos:1',
          EXTUPDATE_CODE: code,
          _UID: uid,
        }),
      );
    }
  });

  it('what fails is told with its status and its words, and the journal has them too', async () => {
    await offer('3');
    writeFileSync(join(e2e.published, 'app/app_3.raw'), image('app', 'evil'));
    const { status, reply } = await call('Apply');
    expect(status).toBe(0);
    expect(reply).toMatchObject({ exit: 11, done: [], components: [{ name: 'app', current: '2' }] });
    const [error] = reply.errors as Record<string, unknown>[];
    expect(error).toEqual({
      component: null,
      code: 'trust',
      exit: 11,
      message: expect.stringMatching(/^app: .*hash mismatch/),
      next: 'see "journalctl -u extupdate-acquire.service"',
    });
    const shown = await sh('systemctl status extupdate-acquire.service');
    expect(shown.stdout).toContain(`Status: "${error?.message}"`);
    expect(await entries('extupdate-acquire')).toContainEqual(
      expect.objectContaining({
        MESSAGE: expect.stringContaining('hash mismatch'),
        PRIORITY: '3',
        EXTUPDATE_COMPONENT: 'app',
        EXTUPDATE_OS: 'testos:1',
        EXTUPDATE_CODE: 'trust',
        EXTUPDATE_EXIT: '11',
      }),
    );
  });

  it('an update goes on when the one who started it is gone', async () => {
    await offer('4');
    await sh(
      `varlinkctl call --more ${SOCKET} ${MANAGER}.Apply '{}' & until [ "$(systemctl show -P ActiveState extupdate-acquire)" = activating ]; do :; done; kill -9 $!`,
    );
    await sh('until [ "$(cat /usr/share/app/version)" = 4 ]; do sleep 0.1; done');
  });

  it('nobody takes all connections', async () => {
    e2e.write('etc/systemd/system/extupdate-varlink.socket.d/few.conf', '[Socket]\nMaxConnectionsPerSource=1\n');
    await sh('systemctl daemon-reload; systemctl restart extupdate-varlink.socket');
    const connect = (uid: number) =>
      `process.seteuid(${uid}); c=n.connect('${SOCKET}').on('error',()=>{}); process.seteuid(0); c.once('data',()=>end(${uid},'answered')).once('close',()=>end(${uid},'closed')); c.write('{"method":"org.varlink.service.GetInfo"}\\0')`;
    const script = `n=require('net'); let left=3; end=(uid,how)=>{console.log(uid,how); if(--left===0) process.exit()}; let c; ${[1234, 1234, 1235].map(connect).join(';')}`;
    e2e.write('srv/many.js', script);
    const { stdout } = await sh('/srv/node/bin/node /srv/many.js');
    expect(stdout.trim().split('\n').sort()).toEqual(['1234 answered', '1234 closed', '1235 answered']);
  });

  it('the daemon says when it is up, and what it waits for', async () => {
    e2e.write('etc/extupdate/extupdate.conf', '[Extupdate]\nRandomizedDelaySec=0\nSchedule=0 0 1 1 *\n');
    await offer('5');
    expect(await sh('systemctl start extupdate-daemon.service')).toMatchObject({ status: 0 });
    await sh('until systemctl show -P StatusText extupdate-daemon | grep "next run is due"; do sleep 0.1; done');
    expect(await e2e.cat('/usr/share/app/version')).toBe('5');
    // Its runs are processes of their own.
    expect(await entries('extupdate-daemon')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ MESSAGE: 'app: acquired 5 (was 4)', EXTUPDATE_CODE: 'acquire', PRIORITY: '6' }),
        expect.objectContaining({ MESSAGE: 'app: activated 5 (was 4)', EXTUPDATE_VERSION: '5' }),
      ]),
    );
    expect(await sh('systemctl stop extupdate-daemon; systemctl show -P Result extupdate-daemon')).toMatchObject({
      stdout: 'success\n',
    });
  });
});
