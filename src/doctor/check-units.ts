/** extupdate's own units: whether something runs by itself, and what has failed. Pure. */
import { type ExitStatus, exitStatus } from '../errors.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

/** The units that are looked at. */
export const ownUnits = [
  'extupdate.timer',
  'extupdate-daemon.service',
  'extupdate-acquire.service',
  'extupdate-install.service',
  'extupdate-activate.service',
  'extupdate-boot.service',
  'extupdate-boot-late.service',
  'extupdate-bless.service',
  'extupdate-prepare.service',
] as const;

/** Those of systemd that merge. */
export const mergeUnits = ['systemd-sysext.service', 'systemd-confext.service'] as const;

export interface UnitFact {
  readonly name: string;
  /** `LoadState`: `loaded`, `not-found`, `masked`. */
  readonly load: string;
  /** `UnitFileState`: `enabled`, `disabled`, `static`; '' for none. */
  readonly file: string;
  /** `ActiveState`. */
  readonly active: string;
  /** `ExecMainStatus`: with what it ended last. */
  readonly status: number;
}

export interface UnitFacts {
  /** Undefined where systemd does not run, or cannot be asked. */
  readonly units: readonly UnitFact[] | undefined;
  /** Whether there are components to keep current. */
  readonly hasComponents: boolean;
  /** Kinds of which there are images. */
  readonly kinds: ReadonlySet<'sysext' | 'confext'>;
}

const { ok, note, warning, problem } = findingsOf('units');

const DOCUMENTED = new Set<number>(Object.values(exitStatus));

/** Units that have failed are a problem; then whether anything runs by itself, and at boot. Nothing where systemd does not tell. */
export function checkUnits({ units, hasComponents, kinds }: UnitFacts): Finding[] {
  if (units === undefined) return [];
  const byName = new Map(units.map((unit) => [unit.name, unit]));
  const unit = (name: string) => byName.get(name);
  const isThere = (name: string) => unit(name)?.load === 'loaded';
  const isOn = (name: string) => /^(enabled|static|indirect|generated|alias)/.test(unit(name)?.file ?? '');
  const isActive = (name: string) => ['active', 'activating', 'reloading'].includes(unit(name)?.active ?? '');
  const findings: Finding[] = [];
  for (const { name, active, status } of units.filter(({ active: state }) => state === 'failed')) {
    const exit: ExitStatus = DOCUMENTED.has(status) && status > 1 ? (status as ExitStatus) : exitStatus.activation;
    const text = `${name} has failed${active === 'failed' && status > 0 ? ` (status ${status})` : ''}`;
    findings.push(problem(exit, text, `journalctl -u ${name}`));
  }
  for (const kind of kinds) {
    const name = `systemd-${kind}.service`;
    if (!isThere(name) || isOn(name)) continue;
    const text = `${name} is not enabled: what is merged now is not merged at the next boot`;
    findings.push(warning(text, `systemctl enable ${name}`));
  }
  if (!ownUnits.some(isThere)) {
    findings.push(
      note('none of extupdate’s is installed: nothing runs by itself', 'README.md says how to put them in place'),
    );
    return findings;
  }
  const runners = ['extupdate.timer', 'extupdate-daemon.service'].filter(isActive);
  if (runners.length > 0) findings.unshift(ok(`${runners.join(' and ')} keeps extensions current`));
  else if (hasComponents) {
    const text = 'neither extupdate.timer nor extupdate-daemon.service is active: nothing runs by itself';
    findings.push(warning(text, 'systemctl enable --now extupdate.timer'));
  }
  const atBoot = ['extupdate-boot.service', 'extupdate-bless.service'].filter((name) => isThere(name) && !isOn(name));
  if (atBoot.length > 0 && hasComponents && !isOn('extupdate-boot-late.service')) {
    const text = `not enabled: ${listed(atBoot)}; after a rollback of the OS, its extensions do not come back by themselves`;
    findings.push(warning(text, `systemctl enable ${atBoot.join(' ')}`));
  }
  return findings;
}
