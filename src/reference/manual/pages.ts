/** All manual pages. */
import { confPage } from './conf-page.ts';
import type { ManualPage } from './page.ts';
import { programPage } from './program-page.ts';
import { transferPage } from './transfer-page.ts';

export const manualPages: readonly ManualPage[] = [programPage, confPage, transferPage];
