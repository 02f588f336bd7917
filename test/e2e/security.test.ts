/** What the units may do: measured by systemd itself, and tried out under a real PID 1. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';

/** Most exposure of each unit, as `systemd-analyze security` tells it. What a unit gives up, and why, stands in it. */
const EXPOSURE_MAX: Readonly<Record<string, number>> = {
  'extupdate-acquire.service': 1.5,
  'extupdate-install.service': 1.8,
  'extupdate-activate.service': 4.3,
  'extupdate-incoming@.service': 4.3,
  'extupdate-prepare.service': 4.7,
  'extupdate-daemon.service': 4.7,
  'extupdate-boot.service': 3.6,
  'extupdate-boot-late.service': 3.6,
  'extupdate-bless.service': 3.6,
  'extupdate-sysupdate-notify@.service': 0.7,
  'extupdate-varlink@.service': 1.6,
};

const UNITS = '/usr/lib/systemd/system';

/** Says what a process of a unit can do; its words go to the journal. */
const PROBE = `
  echo "uid $(id -u)"
  for place in /etc /usr /var /var/lib /var/lib/extupdate /var/lib/extensions /run /run/extupdate /opt /root /boot /var/lib/extupdate/staging; do
    if touch $place/probe 2>/dev/null; then echo "writes $place"; rm -f $place/probe; fi
  done
  echo "links $(ls /proc/self/root/sys/class/net | tr '\\n' ' ')"
  while read -r line; do case $line in *:*) echo "net $line";; esac; done </proc/net/dev
  mount -t tmpfs tmpfs /mnt 2>/dev/null && echo "mounts"
  unshare --user true 2>/dev/null && echo "makes namespaces"
  cat /dev/kmsg >/dev/null 2>&1 && echo "reads the kernel log"
  true
`;

describeAlikeHosts('trixie', 'privileges of the units', (suite) => {
  let e2e: E2e;
  const offer = (version: string) => e2e.publish('app', { [`app_${version}.raw`]: image('app', version) });
  const start = (...units: string[]) =>
    e2e.host.sh(`systemctl start ${units.map((name) => `extupdate-${name}.service`).join(' ')}`);
  /** What a unit has said since it was last started. */
  const logOf = async (unit: string) => {
    const { stdout } = await e2e.host.sh(`journalctl -b -o cat --no-pager -u extupdate-${unit}.service`);
    return stdout.slice(stdout.lastIndexOf('Starting extupdate-'));
  };
  const version = () => e2e.cat('/usr/share/app/version');
  /** Adds the probe to a unit, inside of its sandbox. */
  const probe = (unit: string) =>
    e2e.write(
      `etc/systemd/system/extupdate-${unit}.service.d/probe.conf`,
      '[Service]\nExecStartPost=/bin/sh /srv/probe.sh\n',
    );

  beforeAll(async () => {
    e2e = await startE2e(suite);
    e2e.define('app');
    await e2e.installUnits('extupdate-boot.service');
    e2e.write('srv/probe.sh', PROBE);
    await offer('1');
    expect((await start('install', 'activate')).status).toBe(0);
    expect(await version()).toBe('1');
  });
  afterAll(() => e2e?.stop());

  it('none is more exposed than its work takes', async () => {
    const units = readdirSync(join(e2e.host.root, UNITS)).filter((name) => /^extupdate.*\.service$/.test(name));
    expect(units.sort()).toEqual(Object.keys(EXPOSURE_MAX).sort());
    const table: string[] = [];
    for (const unit of units) {
      // A template is measured as one of its instances.
      const name = unit.replace('@.', '@app.');
      const file = `/run/measured/${name}`;
      const { status, stdout, stderr } = await e2e.host.sh(
        `mkdir -p /run/measured; cp ${UNITS}/${unit} ${file}; systemd-analyze security --offline=true --no-pager --threshold=${(EXPOSURE_MAX[unit] ?? 0) * 10} ${file}`,
      );
      const overall = /Overall exposure level for \S+: ([0-9.]+)/.exec(stdout)?.[1];
      table.push(`${unit.padEnd(36)} ${overall} (at most ${EXPOSURE_MAX[unit]?.toFixed(1)})`);
      expect(status, `${unit}: ${overall}\n${stderr}`).toBe(0);
      expect(Number(overall)).toBeGreaterThan(0);
    }
    console.log(`systemd ${suite === 'trixie' ? 257 : 262}\n${table.join('\n')}`);
  });

  it('acquire runs as a user of its own, and writes nothing but staging; install and activate as root', async () => {
    for (const unit of ['acquire', 'install', 'activate']) probe(unit);
    await e2e.host.sh('systemctl daemon-reload');
    await offer('2');
    expect((await start('install', 'activate')).status).toBe(0);
    expect(await version()).toBe('2');

    const acquire = await logOf('acquire');
    expect(acquire).toContain('app: acquired 2');
    expect(Number(/^uid ([0-9]+)$/m.exec(acquire)?.[1])).toBeGreaterThan(60_000);
    expect(acquire.match(/^writes .*/gm)).toEqual(['writes /var/lib/extupdate/staging']);
    expect(acquire).not.toMatch(/^(mounts|makes namespaces|reads the kernel log)$/m);
    const staged = await e2e.host.sh(
      'stat -c %u /var/lib/extupdate/staging/. /var/lib/extupdate/. /var/lib/extensions/app.raw.v/*.raw',
    );
    expect(staged.stdout).toMatch(/^6[0-9]{4}\n0\n0\n/);

    const install = await logOf('install');
    expect(install).toContain('app: installed 2');
    expect(install).toMatch(/^uid 0$/m);
    // Loopback, and that is down: not a byte has passed it.
    expect(install.match(/^net .*/gm)).toHaveLength(1);
    expect(install).toMatch(/^net lo: +0 /m);
    expect(install.match(/^writes .*/gm)).toEqual([
      'writes /var/lib/extupdate',
      'writes /var/lib/extensions',
      'writes /run/extupdate',
      'writes /var/lib/extupdate/staging',
    ]);
    expect(install).not.toMatch(/^(mounts|makes namespaces|reads the kernel log)$/m);
    expect(await logOf('activate')).not.toMatch(/^(makes namespaces|reads the kernel log)$/m);
    await e2e.host.sh('rm -r /etc/systemd/system/extupdate-*.service.d; systemctl daemon-reload');
  });

  it('what answers programs runs as a user of its own, and writes nothing but what goes with the connection', async () => {
    e2e.write(
      'etc/systemd/system/extupdate-varlink@.service.d/probe.conf',
      '[Service]\nExecStartPre=/bin/sh /srv/probe.sh\n',
    );
    await e2e.host.sh('systemctl daemon-reload; systemctl start extupdate-varlink.socket');
    const told = await e2e.host.sh('varlinkctl info /run/extupdate/io.extupdate.Manager; journalctl --sync');
    expect(told.stdout).toContain('io.extupdate.Manager');
    const { stdout: log } = await e2e.host.sh("journalctl -b -o cat --no-pager -u 'extupdate-varlink@*'");
    expect(Number(/^uid ([0-9]+)$/m.exec(log)?.[1])).toBeGreaterThan(60_000);
    expect(log).not.toMatch(/^(writes|mounts|makes namespaces|reads the kernel log)/m);
    await e2e.host.sh('rm -r /etc/systemd/system/extupdate-varlink@.service.d; systemctl daemon-reload');
  });

  it('install has no network at all', async () => {
    const { host } = e2e;
    const connect = `/srv/node/bin/node -e "require('net').connect(${e2e.server.port},'127.0.0.1').on('connect',()=>console.log('connected')).on('error',(e)=>console.log('refused',e.code))"`;
    e2e.write('srv/connect.sh', `${connect}\ncat /sys/class/net/lo/operstate /proc/net/route\n`);
    e2e.write(
      'etc/systemd/system/extupdate-install.service.d/connect.conf',
      '[Service]\nExecStartPost=/bin/sh /srv/connect.sh\n',
    );
    await host.sh('systemctl daemon-reload');
    await start('install');
    const log = await logOf('install');
    expect(log).toMatch(/^refused E/m);
    expect(log).not.toContain('connected');
    await host.sh('rm -r /etc/systemd/system/extupdate-install.service.d; systemctl daemon-reload');
  });

  const tampered: readonly [string, string][] = [
    ['other bytes of the same name', 'cp /srv/evil.raw $P'],
    ['a link', 'mv $P $S/mine; ln -s mine $P'],
    ['a second name', 'ln $P $S/mine; cp /srv/evil.raw $S/mine'],
    ['a FIFO', 'rm $P; mkfifo $P'],
    ['a directory', 'rm $P; mkdir $P'],
    ['a file without end', 'truncate -s 4T $P'],
    [
      'a list that nobody has signed',
      'for f in $S/manifests/*/SHA256SUMS; do echo "$(sha256sum < /srv/evil.raw | cut -d" " -f1) *app_99.raw" > $f; done; cp /srv/evil.raw $S/$(sha256sum < /srv/evil.raw | cut -d" " -f1)',
    ],
  ];

  it('what acquire leaves behind is verified anew, and what is wrong with it gone with the next run', async () => {
    writeFileSync(join(e2e.host.root, 'srv/evil.raw'), image('app', 'evil'));
    let last = 2;
    for (const [what, script] of tampered) {
      const before = String(last);
      last += 1;
      await offer(String(last));
      expect((await start('acquire')).status).toBe(0);
      const { stdout } = await e2e.host.sh(
        `S=/var/lib/extupdate/staging/.; P=$(ls -d $S/* | grep -E '/[0-9a-f]{64}$'); U=$(stat -c %u $S); rm -f $S/mine; ${script}; chown -hR $U:$U $S/; ls -A $S`,
      );
      // Not with acquire before it, which would put it right.
      const install = await e2e.host.sh('systemctl start --job-mode=ignore-dependencies extupdate-install.service');
      expect(install.status, `${what} in: ${stdout}`).not.toBe(0);
      expect((await e2e.host.sh('systemctl show -P ExecMainStatus extupdate-install.service')).stdout, what).toBe(
        '11\n',
      );
      expect(await version(), what).toBe(before);
      expect((await start('install', 'activate')).status, what).toBe(0);
      expect(await version(), what).toBe(String(last));
    }
  });

  it('C113: whoever refreshes during a run sees the old version or the new one, and nothing else', async () => {
    const watch = `
      rm -f /run/stop; seen=
      until [ -e /run/stop ]; do
        systemd-sysext refresh >/dev/null 2>&1
        for i in 1 2 3; do now=$(systemd-sysext list --no-legend 2>/dev/null | grep -c app); [ "$now" = 1 ] || echo "listed $now"; done
        now=$(cat /usr/share/app/version 2>/dev/null) && [ "$now" != "$seen" ] && { seen=$now; echo "seen $now"; }
      done; systemd-sysext refresh >/dev/null 2>&1; echo "seen $(cat /usr/share/app/version)"`;
    const before = await version();
    const watching = e2e.host.sh(watch, { timeoutMs: 120_000 });
    for (const next of ['20', '21', '22']) {
      await offer(next);
      const result = await e2e.run('apply --wait=60');
      expect(result.status, result.stderr).toBe(0);
    }
    await e2e.host.sh('touch /run/stop');
    const seen = (await watching).stdout.trim().split('\n');
    expect(seen.filter((line) => line.startsWith('listed'))).toEqual([]);
    const versions = seen.map((line) => Number(line.slice('seen '.length)));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    for (const one of versions) expect([Number(before), 20, 21, 22]).toContain(one);
    expect(await version()).toBe('22');
  });

  it('K125: a run that hangs is ended by systemd, and the next one works', async () => {
    e2e.write('etc/systemd/system/extupdate-install.service.d/short.conf', '[Service]\nTimeoutStartSec=5s\n');
    await e2e.host.sh('systemctl daemon-reload');
    await offer('30');
    const stopped = e2e.host.sh(
      'until p=$(systemctl show -P MainPID extupdate-install.service) && [ "$p" != 0 ]; do :; done; kill -STOP $p; echo $p',
    );
    const started = start('install');
    expect(Number((await stopped).stdout)).toBeGreaterThan(0);
    expect((await started).status).not.toBe(0);
    expect((await e2e.host.sh('systemctl show -P Result extupdate-install.service')).stdout).toBe('timeout\n');
    await e2e.host.sh(
      'rm -r /etc/systemd/system/extupdate-install.service.d; systemctl daemon-reload; systemctl reset-failed',
    );
    expect((await start('install', 'activate')).status).toBe(0);
    expect(await version()).toBe('30');
  });

  it('the units say what they give up', () => {
    const text = readFileSync(join(e2e.host.root, UNITS, 'extupdate-activate.service'), 'utf8');
    for (const directive of [
      'ProtectSystem=',
      'PrivateNetwork=',
      'User=',
      'RestrictSUIDSGID=',
      'MemoryDenyWriteExecute=',
    ]) {
      expect(text).toContain(directive);
    }
  });
});
