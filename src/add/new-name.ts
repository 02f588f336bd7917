/** Which names `add` gives to components. */
import { DEFAULT_COMPONENT } from '../definition/candidates.ts';
import { isComponentName } from '../definition/load.ts';

/** What needs no care in a shell, in a file name and in a pattern. */
const PLAIN_NAME = /^[0-9A-Za-z][0-9A-Za-z._+-]*$/;

/** What {@link isNewName} asks for, in words. */
export const newNameRule = `letters, digits, and "._+-" after the first; not "NN-" at the beginning, and not "${DEFAULT_COMPONENT}"`;

/** Whether a component can be added under a name; a definition that is written by hand may have others. */
export function isNewName(name: string): boolean {
  return isComponentName(name) && PLAIN_NAME.test(name) && !/^[0-9]+-/.test(name) && name !== DEFAULT_COMPONENT;
}
