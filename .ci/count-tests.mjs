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
    tellFailures(report);
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    good = false;
  }
}
/** The end of the output is what people see first: what failed is said there again. */
function tellFailures(report) {
  for (const { name, assertionResults, message } of report.testResults) {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of failed) {
      console.log(`failed: ${name}: ${fullName}\n${failureMessages.join('\n').slice(0, 4000)}`);
    }
    if (failed.length === 0 && message) console.log(`failed: ${name}: ${message.slice(0, 4000)}`);
  }
}

console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = good && sum.failed === 0 ? 0 : 1;
