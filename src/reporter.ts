/** What a run tells while it works; the command line decides how it looks. */
export interface Reporter {
  /** What the run is at from now on, for those who watch it. */
  phase(text: string): void;
  /** Something worth knowing that changes nothing. */
  notice(component: string, text: string): void;
  /** Something that somebody has to look after, although the run goes on. */
  warning(component: string, text: string): void;
  /** A step that was done. */
  step(component: string, text: string): void;
  /** A download that begins; the returned handle follows it. */
  download(name: string): DownloadProgress;
  /** Ends everything that is drawn. */
  close(): void;
}

/** Tells nobody anything. */
export const silentReporter: Reporter = {
  phase() {},
  notice() {},
  warning() {},
  step() {},
  download: () => ({ update() {}, end() {} }),
  close() {},
};

export interface DownloadProgress {
  update(receivedBytes: number, totalBytes: number | undefined): void;
  end(): void;
}
