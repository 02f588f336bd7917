/**
 * Plays one scenario with all programs, each on a host of its own. Every command starts from the same files: where
 * systemd-sysupdate came to something else than extupdate, it is given what extupdate has.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { askExtupdate } from './ask-extupdate.ts';
import { SystemdPeer } from './ask-systemd.ts';
import { compare, type Difference } from './compare.ts';
import { intendedDifferences } from './intended-differences.ts';
import { PlayedHost } from './played-host.ts';
import type { Scenario, Step } from './scenario.ts';
import { type Situation, type SystemdVersion, systemdVersions } from './situation.ts';
import { copyTree, type Tree } from './tree.ts';

/** What playing a scenario came to. */
export interface Played {
  readonly commands: number;
  readonly comparisons: number;
  /** How often each intended difference was seen, by name. */
  readonly seen: Readonly<Record<string, number>>;
  /** Commands with differences that nothing explains. */
  readonly failures: readonly Failure[];
}

export type Failure = Situation & { readonly unexplained: readonly Difference[] };

type Command = Extract<Step, { do: 'command' }>;

/** Where one scenario after the other is played. */
export class Stage {
  readonly #directory: string;
  readonly #url: string;
  readonly #peers: ReadonlyMap<SystemdVersion, SystemdPeer>;

  /**
   * @param directory an empty one
   * @param url of that directory
   * @param usrOf the `/usr` with a version of systemd
   */
  constructor(directory: string, url: string, usrOf: (version: SystemdVersion) => string) {
    this.#directory = directory;
    this.#url = url;
    this.#peers = new Map(
      systemdVersions.map((version) => {
        const root = join(directory, String(version));
        mkdirSync(root, { recursive: true });
        return [version, new SystemdPeer(root, usrOf(version))];
      }),
    );
  }

  async play(scenario: Scenario): Promise<Played> {
    const hostOf = (name: string) => new PlayedHost(join(this.#directory, name), `${this.#url}/${name}`, scenario);
    const ours = hostOf('extupdate');
    const theirs = new Map([...this.#peers.keys()].map((version) => [version, hostOf(String(version))]));
    const sum = { commands: 0, comparisons: 0, seen: {} as Record<string, number>, failures: [] as Failure[] };
    for (const [index, step] of scenario.steps.entries()) {
      if (step.do !== 'command') {
        const installed = step.do === 'damage' ? ours.installed() : [];
        for (const host of [ours, ...theirs.values()]) host.take(step, installed);
        continue;
      }
      const before = ours.files();
      const [byExtupdate, ...bySystemds] = await Promise.all([
        this.#observeOurs(ours, step),
        ...[...theirs].map(([version, host]) => this.#observe(version, host, step)),
      ]);
      for (const [systemd, bySystemd] of bySystemds) {
        const { count, differences } = compare(bySystemd, byExtupdate);
        const earlier = scenario.steps.slice(0, index);
        const situation = { scenario, systemd, command: step, earlier, before, bySystemd, byExtupdate, differences };
        const unexplained = differences.filter((difference) => !isExplained(difference, situation, sum.seen));
        if (unexplained.length > 0) sum.failures.push({ ...situation, unexplained });
        const host = theirs.get(systemd);
        if (differences.length > 0 && host) copyTree(ours.store, host.store);
        sum.comparisons += count;
      }
      sum.commands += 1;
    }
    for (const host of [ours, ...theirs.values()]) host.close();
    return sum;
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close();
  }

  async #observeOurs(host: PlayedHost, { command, version }: Command) {
    const answer = await askExtupdate(host.root, command, version);
    return { ...answer, files: host.files() };
  }

  async #observe(systemd: SystemdVersion, host: PlayedHost, { command, version }: Command) {
    const peer = this.#peers.get(systemd);
    if (!peer) throw new Error(`no systemd ${systemd}`);
    const answer = await peer.ask(command, version);
    const files: Tree = host.files();
    return [systemd, { ...answer, files }] as const;
  }
}

/** Counts what explains it. */
function isExplained(difference: Difference, situation: Situation, seen: Record<string, number>): boolean {
  const names = intendedDifferences.filter(({ explains }) => explains(difference, situation)).map(({ name }) => name);
  for (const name of names) seen[name] = (seen[name] ?? 0) + 1;
  return names.length > 0;
}
