import { describe, expect, it } from 'vitest';
import { type ConditionFacts, isSuggested } from '../../../src/definition/conditions.ts';
import { parseIni } from '../../../src/definition/ini.ts';
import { SettingReader } from '../../../src/definition/setting-reader.ts';
import { readSuggestion } from '../../../src/definition/suggestion.ts';

const known: ConditionFacts = {
  architecture: 'x86-64',
  osRelease: { ID: 'tos', VERSION_ID: '1.10', NAME: 'A B' },
  hostname: () => 'Web-1.example',
  machineId: () => '0123456789abcdef0123456789abcdef',
  otherIds: () => ['ffffffffffffffffffffffffffffffff'],
  machineTags: () => 'web:rack=7:rack=5:bad_tag:-x:a.b',
  kernelCommandLine: async () => 'quiet root="/dev/disk a" panic=1',
  kernelVersion: () => '6.12.3-amd64',
  systemdVersion: async () => '262',
  glibcVersion: () => '2.41',
  virtualization: async () => ({ id: 'kvm', isContainer: false }),
  hasPrivateUsers: () => false,
  hasCredential: (name) => name === 'token',
  hasSecurity: async (name) => name === 'apparmor',
  isEfi: async () => true,
  deviceTree: () => ['acme,board', 'acme,soc'],
  smbios: (field) => (field === 'board_vendor' ? 'ACME Inc.\n' : undefined),
};

/** Nothing is known of the machine. */
const unknown: ConditionFacts = {
  ...known,
  machineId: () => undefined,
  kernelCommandLine: async () => undefined,
  systemdVersion: async () => undefined,
  virtualization: async () => undefined,
  hasPrivateUsers: () => undefined,
  hasSecurity: async () => undefined,
  isEfi: async () => undefined,
  deviceTree: () => undefined,
};

const values = { H: 'web-1.example' };

function suggested(text: string, facts = known): Promise<boolean | undefined> {
  const reader = new SettingReader('f', parseIni(`[Feature]\n${text}`, 'f').assignments, values);
  return isSuggested(readSuggestion(reader, 'Feature', values), facts);
}

/** Settings, separated by semicolons, and what 262 makes of them on such a machine. */
const table: readonly (readonly [string, boolean | undefined])[] = [
  ['', false],
  ['Suggest=yes', true],
  ['Suggest=no;SuggestOnHost=*', false],
  ['Suggest=yes;SuggestOnHost=nope', true],
  ['Suggest=yes;Suggest=', false],
  ['Suggest=maybe;SuggestOnHost=*', true],
  // Lists.
  ['SuggestOnHost=*;SuggestOnArchitecture=x86-64', true],
  ['SuggestOnHost=*;SuggestOnHost=nope', false],
  ['SuggestOnHost=nope;SuggestOnHost=;SuggestOnArchitecture=x86-64', true],
  ['SuggestOnHost=|nope;SuggestOnHost=|web*', true],
  ['SuggestOnHost=|nope;SuggestOnHost=|nope2', false],
  ['SuggestOnHost=|*;SuggestOnArchitecture=arm64', false],
  ['SuggestOnArchitecture=| ! arm64', true],
  ['SuggestOnArchitecture=!| arm64', true],
  ['SuggestOnHost=!*', false],
  ['SuggestOnHost=%H', true],
  // Three-valued: what is malformed is open, unless the rest decides.
  ['SuggestOnFraction=x', undefined],
  ['SuggestOnFraction=!x', undefined],
  ['SuggestOnFraction=x;SuggestOnArchitecture=arm64', false],
  ['SuggestOnFraction=x;SuggestOnArchitecture=x86-64', undefined],
  ['SuggestOnFraction=|x;SuggestOnArchitecture=|x86-64', true],
  ['SuggestOnFraction=|x;SuggestOnArchitecture=|arm64', undefined],
  ['SuggestOnFraction=x;SuggestOnArchitecture=|arm64', false],
  ['SuggestOnArchitecture=native', true],
  ['SuggestOnArchitecture=bogus', false],
  // Firmware.
  ['SuggestOnFirmware=uefi', true],
  ['SuggestOnFirmware=device-tree', true],
  ['SuggestOnFirmware=device-tree-compatible(acme,soc)', true],
  ['SuggestOnFirmware=device-tree-compatible(acme)', false],
  ['SuggestOnFirmware=device-tree-compatible(x', false],
  ['SuggestOnFirmware=smbios-field(board_vendor = "ACME Inc.")', true],
  ['SuggestOnFirmware=smbios-field(board_vendor $= ACME*)', true],
  ['SuggestOnFirmware=smbios-field(no_such_field $= *)', false],
  ['SuggestOnFirmware=smbios-field(board_vendor)', undefined],
  ['SuggestOnFirmware=smbios-field(a/b=c)', undefined],
  ['SuggestOnFirmware=smbios-field(a=b c)', undefined],
  ['SuggestOnFirmware=smbios-field(a=b', undefined],
  ['SuggestOnFirmware=bogus', false],
  ['SuggestOnVirtualization=yes', true],
  ['SuggestOnVirtualization=vm', true],
  ['SuggestOnVirtualization=container', false],
  ['SuggestOnVirtualization=kvm', true],
  ['SuggestOnVirtualization=private-users', false],
  // Host.
  ['SuggestOnHost=WEB-?.example', true],
  ['SuggestOnHost=01234567-89ab-cdef-0123-456789abcdef', true],
  ['SuggestOnHost=FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF', true],
  ['SuggestOnHost=00000000000000000000000000000001', false],
  // Fraction: by the id above, as 262 has it.
  ['SuggestOnFraction=100%', true],
  ['SuggestOnFraction=0%', false],
  ['SuggestOnFraction=50%', false],
  ['SuggestOnFraction=tag 50%', true],
  ['SuggestOnFraction=900‰', true],
  ['SuggestOnFraction=9000‱', true],
  ['SuggestOnFraction=33.333%', undefined],
  ['SuggestOnFraction=105%', undefined],
  ['SuggestOnFraction=a b 50%', undefined],
  ['SuggestOnKernelCommandLine=panic', true],
  ['SuggestOnKernelCommandLine=panic=1', true],
  ['SuggestOnKernelCommandLine=panic=2', false],
  ['SuggestOnKernelCommandLine=pan', false],
  ['SuggestOnKernelCommandLine=root=/dev/disk a', true],
  // Version.
  ['SuggestOnVersion=>=6.12', true],
  ['SuggestOnVersion=kernel >= 6.12 <7', true],
  ['SuggestOnVersion=6.*', true],
  ['SuggestOnVersion=systemd >= 262 <263', true],
  ['SuggestOnVersion=systemd >= 262 < 263', undefined],
  ['SuggestOnVersion=systemd <> 262', false],
  ['SuggestOnVersion=systemd != 262.0', true],
  ['SuggestOnVersion=systemd', true],
  ['SuggestOnVersion=systemd >=', undefined],
  ['SuggestOnVersion="', undefined],
  ['SuggestOnVersion=glibc > 2.36', true],
  ['SuggestOnCredential=token', true],
  ['SuggestOnCredential=../token', false],
  ['SuggestOnSecurity=apparmor', true],
  ['SuggestOnSecurity=tpm2', false],
  ['SuggestOnSecurity=bogus', false],
  // OSRelease.
  ['SuggestOnOSRelease=ID=tos VERSION_ID>1.9', true],
  ['SuggestOnOSRelease="NAME=A B"', true],
  ['SuggestOnOSRelease=NAME=A\\ B', true],
  ['SuggestOnOSRelease=ID!$=t*', false],
  ['SuggestOnOSRelease=VERSION_ID=1.010', false],
  ['SuggestOnOSRelease=VERSION_ID==1.010', true],
  ['SuggestOnOSRelease=NOPE=x', false],
  ['SuggestOnOSRelease=NOPE=', undefined],
  ['SuggestOnOSRelease=ID', undefined],
  ['SuggestOnOSRelease=ID=x garbage', false],
  ['SuggestOnOSRelease=1D=x', undefined],
  // MachineTag.
  ['SuggestOnMachineTag=w?b', true],
  ['SuggestOnMachineTag=rack=5', true],
  ['SuggestOnMachineTag=rack=7', false],
  ['SuggestOnMachineTag=bad_tag', false],
  ['SuggestOnMachineTag=-x', false],
  ['SuggestOnMachineTag=a.b', true],
];

describe('isSuggested', () => {
  it.each(table)('%s: %s', async (settings, expected) => {
    expect(await suggested(settings.replaceAll(';', '\n'))).toBe(expected);
  });

  it.each([
    ['SuggestOnFraction=50%', undefined],
    ['SuggestOnFraction=100%', true],
    ['SuggestOnKernelCommandLine=x', undefined],
    ['SuggestOnVersion=systemd >= 1', undefined],
    ['SuggestOnVirtualization=yes', undefined],
    ['SuggestOnVirtualization=private-users', undefined],
    ['SuggestOnSecurity=tpm2', undefined],
    ['SuggestOnFirmware=uefi', undefined],
    ['SuggestOnFirmware=device-tree-compatible(x)', false],
  ])('%s where the machine tells nothing: %s', async (setting, expected) => {
    expect(await suggested(setting, unknown)).toBe(expected);
  });
});
