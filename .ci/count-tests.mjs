// Adds up vitest's own JSON reports into the one line that CI reads. Fails when a report is missing or says so.
import { readFileSync } from 'node:fs';

const sum = { passed: 0, failed: 0, skipped: 0 };
let good = true;
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    sum.passed += report.numPassedTests;
    sum.failed += report.numFailedTests;
    sum.skipped += report.numPendingTests + report.numTodoTests;
    good &&= report.success && report.numPassedTests > 0;
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    good = false;
  }
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = good && sum.failed === 0 ? 0 : 1;
