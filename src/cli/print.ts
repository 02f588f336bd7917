/** Standard output and standard error of a command, and the exit status that follows. */
import { combinedExit, type ErrorReport } from '../errors.ts';
import { printable, printableJson } from '../printable.ts';
import { DOCUMENT_FORMAT, type Document, type ErrorDocument, errorDocument } from './document.ts';
import { isJournal, tell, tellError } from './journal.ts';
import type { Outcome } from './outcome.ts';
import { exitOf } from './outcome-status.ts';
import { showText } from './pager.ts';
import { type DoneLine, renderDone } from './render-done.ts';
import { serviceStatus } from './service-status.ts';
import { showsStyles, styleTables } from './style.ts';

export type JsonMode = 'short' | 'pretty' | 'off';

/**
 * Prints an outcome; `text` makes what people read.
 * @param pager whether that may be shown page by page
 * @returns the exit status
 */
export async function printOutcome(
  outcome: Outcome,
  json: JsonMode,
  text: () => string | readonly DoneLine[] | Promise<string>,
  pager = false,
): Promise<number> {
  if (outcome.done) serviceStatus().result(summaryOf(outcome));
  if (json === 'off') {
    const rendered = await text();
    if (typeof rendered !== 'string') printDone(rendered, outcome.os);
    else if (rendered !== '') await showTables(rendered, pager);
    printErrors(outcome.errors, outcome.os);
  } else {
    const { components, errors, done, kept, oses, history, services, plans, switched, listing, sources, files } =
      outcome;
    const { added, removed, found, checks, unseen } = outcome;
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
      ...(added ? { added } : {}),
      ...(removed ? { removed } : {}),
      ...(found ? { found } : {}),
      ...(checks ? { checks } : {}),
      ...(unseen ? { unseen } : {}),
      ...listing,
    };
    write(render({ ...document, ...extra }, json));
  }
  return exitOf(outcome);
}

function printDone(lines: readonly DoneLine[], os: string | undefined): void {
  for (const { text, done } of lines) {
    if (isJournal(1)) tell('info', text, { os, ...(done ? { ...done, code: done.action } : {}) });
    else write(printable(text));
  }
}

/** What came of a run, in one line. */
function summaryOf(outcome: Outcome): string {
  const [first, ...others] = outcome.errors;
  if (!first) return renderDone(outcome).replaceAll('\n', '; ');
  const message = first.component === null ? first.message : prefixed(first.component, first.message);
  return others.length === 0 ? message : `${message} (and ${others.length} more)`;
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
    if (rendered !== '') await showTables(rendered, pager);
    // What is to be done about several of them is said once.
    errors.forEach(({ next, ...error }, index) => {
      const isLast = errors[index + 1]?.next !== next;
      tellError({ ...error, ...(isLast && next !== undefined ? { next } : {}) });
    });
  }
  return combinedExit(
    errors.map(({ exit }) => exit),
    0,
  );
}

/** Prints a failure of the whole run. */
export function printFailure(report: ErrorReport, json: JsonMode): void {
  serviceStatus().result(report.message);
  if (json === 'off') tellError(report);
  else write(render({ format: DOCUMENT_FORMAT, components: [], errors: [errorDocument(null, report)] }, json));
}

function printErrors(errors: readonly ErrorDocument[], os?: string): void {
  for (const { component, code, exit, next, ...error } of errors) {
    const message = component === null ? error.message : prefixed(component, error.message);
    tellError({ code, exit, message, ...(next ? { next } : {}) }, { component, os });
  }
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
