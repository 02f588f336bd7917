/** What `io.extupdate.Manager` answers: the documents of the program's own commands. */

import type { ErrorDocument } from '../cli/document.ts';
import type { Outcome } from '../cli/outcome.ts';
import { exitOf } from '../cli/outcome-status.ts';
import { BusyError, reportOf, UnknownComponentError, withoutSecrets } from '../errors.ts';
import { programVersion } from '../program.ts';
import { type Reporter, silentReporter } from '../reporter.ts';
import type { RunOptions } from '../system.ts';
import { followUpdate, isBusy, type UpdateUnits } from './follow-update.ts';
import { managerInterface } from './manager-interface.ts';
import { errorOf, type Handlers, type Service, serviceOf, type VarlinkError } from './server.ts';
import { serviceInterface } from './service-interface.ts';

export interface ManagerOptions {
  /** '' for this machine. */
  readonly root: string;
  /** Undefined where the caller may not start anything. */
  readonly units: UpdateUnits | undefined;
  readonly signal: AbortSignal;
}

/** Makes the service for one caller. */
export function managerService({ root, units, signal }: ManagerOptions): Service {
  const ask = async (
    command: (run: RunOptions) => Promise<Outcome>,
    components: readonly string[],
    offline: boolean,
  ) => {
    const notices = new Map<string, Notice>();
    const outcome = await command({
      root,
      components,
      offline,
      keyrings: [],
      refresh: false,
      waitSec: 0,
      reporter: reporterInto(notices),
      signal,
    });
    return { outcome, reply: { ...replyOf(outcome), notices: [...notices.values()] } };
  };
  const commands = () => import('../cli/commands.ts');
  const status = async (names: readonly string[]) => ask((await commands()).status, names, true);
  const handlers: Handlers<typeof managerInterface> = {
    List: async ({ component }) =>
      (await ask((await commands()).list, component == null ? [] : [component], false)).reply,
    Check: async ({ components }) => (await ask((await commands()).check, components ?? [], false)).reply,
    Status: async ({ components }) => {
      const { outcome, reply } = await status(components ?? []);
      return { ...reply, services: outcome.services ?? [] };
    },
    Why: async ({ component }) => (await ask((await commands()).list, [component], false)).reply,
    Apply: async (_, answering) => {
      if (!units) throw errorOf(serviceInterface, 'PermissionDenied', {});
      const update = await followUpdate(units, async ({ unit, state, text }) => {
        if (answering.more) await answering.progress({ progress: { unit, state, text } });
      });
      if (isBusy(update)) {
        throw errorOf(managerInterface, 'Busy', { message: update.errors.map(({ message }) => message).join('; ') });
      }
      const { reply } = await status([]);
      return { ...reply, ...update, errors: [...update.errors, ...reply.errors] };
    },
  };
  return serviceOf(
    managerInterface,
    handlers,
    { product: 'extupdate', version: programVersion, url: 'man:extupdate(8)' },
    failureOf,
  );
}

function replyOf(outcome: Outcome) {
  const errors = outcome.errors.map(({ component, code, exit, message, next }: ErrorDocument) => ({
    component,
    code,
    exit,
    message,
    next,
  }));
  return { components: outcome.components, errors, exit: exitOf(outcome) };
}

function failureOf(error: unknown): VarlinkError {
  if (error instanceof UnknownComponentError) {
    return errorOf(managerInterface, 'NoSuchComponent', { component: error.component });
  }
  if (error instanceof BusyError) return errorOf(managerInterface, 'Busy', { message: error.message });
  const { code, exit, message, next = null } = reportOf(error);
  return errorOf(managerInterface, 'Failed', { code, exit, message, next });
}

interface Notice {
  readonly component: string | null;
  readonly text: string;
}

/** Keeps notices and warnings, each once; what is only for those who watch is left out. */
function reporterInto(notices: Map<string, Notice>): Reporter {
  const keep = (component: string, text: string) => {
    const about = component === '' ? null : component;
    notices.set(`${component}\0${text}`, { component: about, text: withoutSecrets(text) });
  };
  return { ...silentReporter, notice: keep, warning: keep };
}
