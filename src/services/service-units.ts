/**
 * What systemd says of services and the images they mount over their own namespace (`ExtensionImages=`,
 * `ExtensionDirectories=`, systemd.exec(5)), out of the text of `systemctl show`. Pure.
 */
import { parseShownUnits } from './shown-units.ts';

/** One entry of a service's `ExtensionImages=` or `ExtensionDirectories=`. */
export interface ExtensionEntry {
  readonly what: 'image' | 'directory';
  /**
   * What the path may be, the longest first: systemctl prints mount options behind a colon and escapes nothing, so a
   * colon in a path cannot be told from one behind it. The first that exists is meant.
   */
  readonly paths: readonly string[];
}

/** A service as systemd runs it now. */
export interface ServiceUnit {
  readonly name: string;
  /** 0 when no process is the main one. */
  readonly mainPid: number;
  readonly activeState: string;
  readonly canReload: boolean;
  /** `success`, or why the last reload failed: `exit-code`, `timeout`, ... */
  readonly reloadResult: string;
  readonly extensions: readonly ExtensionEntry[];
}

/** What has to be asked for. */
export const serviceProperties = [
  'Id',
  'MainPID',
  'ActiveState',
  'CanReload',
  'ReloadResult',
  'ExtensionImages',
  'ExtensionDirectories',
] as const;

/** Reads what `systemctl show` prints. */
export function parseServiceUnits(text: string): ServiceUnit[] {
  return parseShownUnits(text).map((properties) => ({
    name: properties.get('Id') ?? '',
    mainPid: Number(properties.get('MainPID') || 0),
    activeState: properties.get('ActiveState') ?? '',
    canReload: properties.get('CanReload') === 'yes',
    reloadResult: properties.get('ReloadResult') ?? '',
    extensions: [
      ...imagesOf(properties.get('ExtensionImages') ?? ''),
      ...directoriesOf(properties.get('ExtensionDirectories') ?? ''),
    ],
  }));
}

/** Whether a service runs now, so that there is a process that sees something. */
export function isRunning({ mainPid, activeState }: ServiceUnit): boolean {
  // While systemd mounts anew for a reload, it says "refreshing".
  return mainPid > 0 && ['active', 'reloading', 'refreshing'].includes(activeState);
}

/** Whether a service has ended, and does not start again by itself. */
export function isDown({ activeState }: ServiceUnit): boolean {
  return activeState === 'failed' || activeState === 'inactive';
}

/** `[-]PATH[:PARTITION:OPTIONS...]`, a space between two; nothing is quoted. */
function imagesOf(value: string): ExtensionEntry[] {
  return value.split(/\s+(?=-?\/)/).flatMap((entry) => {
    const path = entry.trim().replace(/^-/, '');
    if (!path.startsWith('/')) return [];
    const paths = [path];
    for (let at = path.lastIndexOf(':'); at > 0; at = path.lastIndexOf(':', at - 1)) paths.push(path.slice(0, at));
    return [{ what: 'image', paths }];
  });
}

/** `[-][+]PATH`, quoted as in a shell where it has to be. What `+` puts below `RootDirectory=` is not the host's. */
function directoriesOf(value: string): ExtensionEntry[] {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].flatMap(([, quoted, bare]) => {
    const path = (quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '').replace(/^-/, '');
    return path.startsWith('/') ? [{ what: 'directory', paths: [path] }] : [];
  });
}
