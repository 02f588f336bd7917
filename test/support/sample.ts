/** Of cases that differ in little, `npm test` takes one; `npm run test:catalogue` takes all. */
export const onlySample = process.env.EXTUPDATE_TEST_ALL === undefined;
