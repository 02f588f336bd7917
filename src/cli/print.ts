/** Standard output and standard error of a command, and the exit status that follows. */
import { combinedExit, type ErrorReport, exitStatus } from '../errors.ts';
import type { Outcome } from './commands.ts';
import { DOCUMENT_FORMAT, type Document, type ErrorDocument, errorDocument } from './document.ts';
import { showText } from './pager.ts';
import { printable, printableJson } from './printable.ts';
import { showsStyles, styleError, styleTables } from './style.ts';

export type JsonMode = 'short' | 'pretty' | 'off';

/**
 * Prints an outcome; `text` makes what people read.
 * @param pager whether that may be shown page by page
 * @returns the exit status
 */
export async function printOutcome(
  outcome: Outcome,
  json: JsonMode,
  text: () => string | Promise<string>,
  pager = false,
): Promise<number> {
  if (json === 'off') {
    const rendered = await text();
    if (rendered !== '') await showTables(rendered, pager);
    printErrors(outcome.errors);
  } else {
    const { components, errors, done, kept, oses, history, services, plans, switched, listing, sources, files } =
      outcome;
    const document: Document = { format: DOCUMENT_FORMAT, components, errors, ...(done ? { done } : {}) };
    const planned = (outcome.dryRun ? plans : undefined)?.map(({ component, version, from, steps }) => ({
      component: component.name,
      version,
      from: from ?? null,
      steps: steps.map(({ step, transfer }) => ({ step, transfer: transfer.id })),
    }));
    const extra = {
      ...(kept ? { kept } : {}),
      ...(oses ? { oses } : {}),
      ...(history ? { history } : {}),
      ...(services ? { services } : {}),
      ...(sources ? { sources } : {}),
      ...(files ? { files } : {}),
      ...(planned ? { plan: planned } : {}),
      ...(switched ? { switched } : {}),
      ...listing,
    };
    write(render({ ...document, ...extra }, json));
  }
  const failed = outcome.errors.map(({ exit }) => exit);
  const names = new Set(outcome.errors.map(({ component }) => component));
  const all = [
    ...outcome.components.map(({ name }) => name),
    ...(outcome.oses ?? []).flatMap(({ components }) => components.map(({ component }) => component)),
    ...[...(outcome.kept ?? []), ...(outcome.sources ?? []), ...(outcome.files ?? [])].map(
      ({ component }) => component,
    ),
  ];
  return combinedExit(failed, all.filter((name) => !names.has(name)).length);
}

/**
 * Prints a listing whose JSON has the shape of systemd-sysupdate's, without a place for errors: they go to standard
 * error. @returns the exit status
 */
export async function printListing(
  listing: { readonly document: unknown; readonly errors: readonly ErrorDocument[]; readonly count: number },
  json: JsonMode,
  text: () => string | Promise<string>,
  pager = false,
): Promise<number> {
  if (json !== 'off') write(render(listing.document, json));
  else {
    const rendered = await text();
    if (rendered !== '') await showTables(rendered, pager);
  }
  printErrors(listing.errors);
  return combinedExit(
    listing.errors.map(({ exit }) => exit),
    listing.count,
  );
}

/**
 * Prints a document that has a place for errors. @returns the exit status: that of the errors
 */
export async function printReport(
  report: { readonly document: unknown; readonly errors: readonly ErrorReport[] },
  json: JsonMode,
  text: () => string | Promise<string>,
  pager = false,
): Promise<number> {
  const { document, errors } = report;
  if (json !== 'off') write(render(document, json));
  else {
    const rendered = await text();
    if (rendered !== '') await showText(printable(rendered), pager);
    // What is to be done about several of them is said once.
    errors.forEach(({ message, next }, index) => {
      const isLast = errors[index + 1]?.next !== next;
      printError({ message, ...(isLast && next !== undefined ? { next } : {}) });
    });
  }
  return combinedExit(
    errors.map(({ exit }) => exit),
    0,
  );
}

/** Prints a failure of the whole run. */
export function printFailure(report: ErrorReport, json: JsonMode): void {
  if (json === 'off') printError(report);
  else write(render({ format: DOCUMENT_FORMAT, components: [], errors: [errorDocument(null, report)] }, json));
}

function printErrors(errors: readonly ErrorDocument[]): void {
  for (const { component, message, next } of errors) {
    printError({ message: component === null ? message : prefixed(component, message), ...(next ? { next } : {}) });
  }
}

function printError({ message, next }: { readonly message: string; readonly next?: string }): void {
  const text = printable(`extupdate: ${message}`);
  const shown = showsStyles(process.stderr, process.env) ? styleError(text) : text;
  process.stderr.write(`${shown}\n${next === undefined ? '' : printable(`  ${next}\n`)}`);
}

function showTables(text: string, pager: boolean): Promise<void> {
  const plain = printable(text);
  return showText(showsStyles(process.stdout, process.env) ? styleTables(plain) : plain, pager);
}

/** The component, unless the message begins with it or with a place in one of its files. */
function prefixed(component: string, message: string): string {
  return message.startsWith(`${component}: `) || /^\/\S+:[0-9]+: /.test(message) ? message : `${component}: ${message}`;
}

function render(value: unknown, json: Exclude<JsonMode, 'off'>): string {
  return printableJson(JSON.stringify(value, undefined, json === 'pretty' ? 2 : undefined));
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The status of `check --exit-code`. */
export function checkStatus(outcome: Outcome, exit: number): number {
  const isUpdate = outcome.components.some(({ candidate }) => candidate !== null);
  return exit === exitStatus.done && isUpdate ? exitStatus.updateAvailable : exit;
}
