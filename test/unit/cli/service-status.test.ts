import { describe, expect, it } from 'vitest';
import { createServiceStatus } from '../../../src/cli/service-status.ts';
import { StatusLine } from '../../../src/cli/status-line.ts';

const MIB = 1024 * 1024;

describe('StatusLine', () => {
  it('tells the phase, and downloads while there are some', () => {
    const line = new StatusLine();
    line.phase('looking for updates');
    expect(line.text(0)).toBe('looking for updates');
    const download = line.download('app_2.raw');
    expect(line.text(0)).toBe('downloading app_2.raw: 0 B');
    download.update(0, 100 * MIB, 1000);
    expect(line.text(1000)).toBe('downloading app_2.raw: 0 % of 100 MiB');
    download.update(43.9 * MIB, 100 * MIB, 5000);
    expect(line.text(5000)).toBe('downloading app_2.raw: 43 % of 100 MiB, 11.0 MiB/s');
    download.end();
    expect(line.text(6000)).toBe('looking for updates');
  });

  it('of a download that is resumed, only what comes now counts for its speed', () => {
    const line = new StatusLine();
    const download = line.download('app_2.raw');
    download.update(90 * MIB, 100 * MIB, 0);
    download.update(95 * MIB, 100 * MIB, 5000);
    expect(line.text(5000)).toBe('downloading app_2.raw: 95 % of 100 MiB, 1.0 MiB/s');
  });

  it('adds several up, and names two', () => {
    const line = new StatusLine();
    const [a, b, c] = ['a.raw', 'b.raw', 'c.raw'].map((name) => line.download(name));
    a?.update(0, 10 * MIB, 0);
    b?.update(0, 10 * MIB, 0);
    a?.update(5 * MIB, 10 * MIB, 1000);
    b?.update(5 * MIB, 10 * MIB, 1000);
    expect(line.text(1000)).toBe('downloading a.raw, b.raw and 1 more: 10.0 MiB, 10.0 MiB/s');
    c?.update(0, 20 * MIB, 1000);
    expect(line.text(1000)).toBe('downloading a.raw, b.raw and 1 more: 25 % of 40.0 MiB, 10.0 MiB/s');
    c?.end();
    expect(line.text(1000)).toBe('downloading a.raw, b.raw: 50 % of 20.0 MiB, 10.0 MiB/s');
  });

  it('of an empty file, nothing is divided by nothing', () => {
    const line = new StatusLine();
    line.download('empty').update(0, 0, 0);
    expect(line.text(0)).toBe('downloading empty: 0 B');
  });
});

describe('createServiceStatus', () => {
  const start = () => {
    const sent: string[] = [];
    const timers = new Set<() => void>();
    const status = createServiceStatus({
      send: (state) => void sent.push(state),
      later(_, callback) {
        timers.add(callback);
        return () => void timers.delete(callback);
      },
    });
    const elapse = () => {
      const due = [...timers];
      timers.clear();
      for (const callback of due) callback();
    };
    return { sent, status, elapse, timers };
  };

  it('sends at once, then the newest, once a second', () => {
    const { sent, status, elapse } = start();
    status.say('1');
    status.say('2');
    status.say('3');
    expect(sent).toEqual(['STATUS=1']);
    elapse();
    expect(sent).toEqual(['STATUS=1', 'STATUS=3']);
    status.say('4');
    elapse();
    elapse();
    elapse();
    expect(sent).toEqual(['STATUS=1', 'STATUS=3', 'STATUS=4']);
    status.say('5');
    expect(sent.at(-1)).toBe('STATUS=5');
  });

  it('does not send the same again', () => {
    const { sent, status, elapse } = start();
    status.say('1');
    status.say('1');
    elapse();
    elapse();
    status.say('1');
    expect(sent).toEqual(['STATUS=1']);
  });

  it('the result does not wait, and nothing comes after it that was said before', () => {
    const { sent, status, elapse, timers } = start();
    status.say('1');
    status.say('2');
    status.result('done');
    elapse();
    elapse();
    expect(sent).toEqual(['STATUS=1', 'STATUS=done']);
    expect(timers.size).toBe(0);
  });

  it('a message is one line that does nothing else', () => {
    const { sent, status } = start();
    status.result('a\nMAINPID=1\u001b[2J');
    expect(sent).toEqual(['STATUS=a MAINPID=1\\x1b[2J']);
  });

  it('tells when a daemon is up, and when it ends', () => {
    const { sent, status } = start();
    status.ready();
    status.stopping();
    expect(sent).toEqual(['READY=1', 'STOPPING=1']);
  });
});
