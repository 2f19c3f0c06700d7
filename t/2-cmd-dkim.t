#!/usr/bin/perl
# 2-cmd-dkim - tamis dkim: keys and records made, compared with a zone file, printed
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Temp qw(tempdir);
use Test::More;

my $child;
$SIG{ALRM} = sub { kill 'KILL', $child if $child; die "too slow\n" };
alarm 120;
my $tamis = abs_path($ENV{TAMIS});
my $dir = tempdir(CLEANUP => 1);
my $home = getcwd();
chdir $dir or die;
umask 022;
$ENV{TZ} = 'UTC';

sub slurp {
    my ($name) = @_;
    open my $f, '<', $name or return "(no $name)";
    local $/;
    return scalar <$f> // '';
}

sub spew {
    my ($name, $text) = @_;
    open my $f, '>', $name or die "$name: $!";
    print $f $text;
    close $f or die;
}

# (exit status, standard output, standard error)
sub dkim {
    $child = fork // die;
    if ($child == 0) {
        open STDOUT, '>', "$dir/out" or die;
        open STDERR, '>', "$dir/err" or die;
        exec $tamis, 'dkim', @_ or die;
    }
    waitpid $child, 0;
    return ($? & 127 ? 'signal ' . ($? & 127) : $? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

sub mode { return sprintf '%04o', (stat $_[0])[2] & 07777 }

# The strings of a record in a zone file, joined.
sub strings { my ($text) = @_; return join '', $text =~ /"([^"]*)"/g }

# dkim-genkey's line of 2008.
mkdir 'DIR' or die;
my ($status, $out, $err) = dkim(qw(genkey -b 1024 -d example.org -s example.org -D DIR));
is $status, 0, 'genkey as dkim-genkey';
is $err, "tamis dkim: warning: a key of 1024 bits is weak: 2048 is usual\n", 'with a warning';
is mode('DIR/example.org.private'), '0600', 'the private key is private';
is mode('DIR/example.org.txt'), '0644', 'the record is not';
like slurp('DIR/example.org.private'), qr/^-----BEGIN PRIVATE KEY-----\n/, 'PEM';
like slurp('DIR/example.org.txt'), qr/^example\.org\._domainkey\tIN\tTXT\t\( "v=DKIM1; k=rsa; "\n\t/,
    'a record for a zone file';
like slurp('DIR/example.org.txt'), qr/  ; ----- DKIM key example\.org for example\.org\n/, 'named';
my $pem = slurp('DIR/example.org.private');
($status, $out, $err) = dkim(qw(genkey -d example.org -s example.org -D DIR));
is $status, 73, 'nothing is overwritten';
is $err, "tamis dkim: DIR/example.org.private is there already, and stays: choose another selector "
    . "with -s, or move it away\n", 'and it says so';
is slurp('DIR/example.org.private'), $pem, 'the old key stays';
unlink 'DIR/example.org.private';
($status) = dkim(qw(genkey -d example.org -s example.org -D DIR));
is $status, 73, 'nor is a record';
ok !-e 'DIR/example.org.private', 'and no key without its record';
spew('DIR/example.org.private', $pem);
chmod 0600, 'DIR/example.org.private';

SKIP: {
    skip 'no openssl', 2 unless grep { -x "$_/openssl" } split /:/, $ENV{PATH};
    my $public = `openssl pkey -in DIR/example.org.private -pubout 2>&1`;
    my $p = join '', grep { !/-----/ } split /\n/, $public;
    is strings(slurp('DIR/example.org.txt')), "v=DKIM1; k=rsa; p=$p", 'OpenSSL sees the same key';
    like scalar(`openssl pkey -in DIR/example.org.private -noout -text 2>&1`), qr/\(1024 bit/, 'bits';
}

# In the working directory; 2048 bits; strings of 255 at most.
($status, $out, $err) = dkim(qw(genkey -d example.org -s mail.2026 -a -r -S -h sha256 -n), 'a note', '-t');
is $status, 0, 'options as opendkim-genkey';
is $err, '', 'no warning';
my $record = slurp('mail.2026.txt');
like $record, qr/^mail\.2026\._domainkey\.example\.org\.\tIN\tTXT\t\(/, '-a: the whole name';
like strings($record), qr/^v=DKIM1; k=rsa; h=sha256; s=email; t=y:s; n=a note; p=MII/, 'tags';
is 0 + grep({ length > 255 } $record =~ /^[^;]*?"([^"]*)"/mg), 0, 'strings of 255 at most';
cmp_ok 0 + (() = $record =~ /^\s.*"/mg), '>=', 2, 'so more than one';
like $out, qr{^Else for key_table: mail\.2026\._domainkey\.example\.org example\.org:mail\.2026:/\S+/mail\.2026\.private\nand for signing_table, refile: \*\@example\.org mail\.2026\._domainkey\.example\.org$}m,
    'rows for tables';
($out) = $out =~ /^In a panel: (.*)$/m;
is $out, 'mail.2026._domainkey.example.org TXT ' . strings($record), 'the same in one line';

($status, $out, $err) = dkim(qw(genkey -d example.org -s two -t both --format line));
is $status, 0, '-t both';
like $out, qr/^two\._domainkey\.example\.org\tv=DKIM1; k=rsa; p=\S+\ntwo-ed25519\._domainkey\.example\.org\tv=DKIM1; k=ed25519; p=[A-Za-z0-9+\/]{43}=\n\z/,
    '--format line';
($status, $out) = dkim(qw(genkey -d example.org -t ed25519 --format json));
is $status, 0, '-t ed25519, no selector';
like $out, qr/^\{"name":"ed20\d{6}\._domainkey\.example\.org","type":"TXT","value":"v=DKIM1; k=ed25519; p=\S+"\}\n\z/, 'a date';
($status, $out) = dkim(qw(genkey -d example.org -t ed25519 --format json));
like $out, qr/"ed20\d{6}a\._domainkey/, 'a second one on that day';
($status, $out) = dkim(qw(genkey --domain=example.org --selector long --bits 1024 --directory .));
is $status, 0, 'long options';

for my $case ([['-b', '512'], qr/-b 512: from 1024 \(RFC 8301\)/], [['-b', 'x'], qr/-b x/],
    [['-s', 'a/b'], qr/a selector has letters/], [['-s', '../x'], qr/a selector has letters/],
    [['-s', 'a..b'], qr/a selector/], [['-d', 'no domain'], qr/this is no domain/],
    [['-h', 'sha1'], qr/sha256 must be among them/], [['-n', 'x; p=y'], qr/-n/],
    [['--format', 'xml'], qr/bind, line or json/], [['--type', 'dsa'], qr/rsa, ed25519 or both/],
    [['-a'], qr/-a needs the domain/], [['argument'], qr/no argument is expected/]) {
    ($status, $out, $err) = dkim('genkey', @{$case->[0]});
    is $status, 64, "usage: @{$case->[0]}";
    like $err, $case->[1], 'with a reason';
}
($status, $out, $err) = dkim(qw(genkey -d example.org -D nowhere));
is $status, 73, 'no such directory';
($status, $out, $err) = dkim('nonesuch');
is $status, 64, 'no such subcommand';
($status, $out) = dkim($_, '--help'), is($status, 0, "$_ --help"),
    cmp_ok(scalar(split /\n/, $out), '<=', 24, 'in 24 lines') for qw(genkey check zone);

if ($> == 0 && getpwnam('nobody')) {
    spew('user.conf', "user = nobody\npostfix_config_directory =\n");
    ($status) = dkim(qw(genkey -c user.conf -d example.org -s owned -t ed25519));
    is $status, 0, 'as root, with a service user';
    is +(stat 'owned.private')[4], scalar getpwnam('nobody'), 'who owns the key';
}

# The tables of milter.conf.
spew('KeyList', "*\@example.org:example.org:DIR/example.org\n");
spew('milter.conf', "key_list = KeyList\nsigning_key = example.org:two-ed25519:two-ed25519.private\n"
    . "postfix_config_directory =\n");
my @conf = ('-c', 'milter.conf');
($status, $out, $err) = dkim('zone', @conf);
is $status, 0, 'zone';
my $zone = $out;
is strings((split /(?<=\))\n/, $out)[0]), strings(slurp('DIR/example.org.txt')), 'the first record';
like $out, qr/^example\.org\._domainkey\.example\.org\.\tIN\tTXT\t/m, 'its name';
like $out, qr/^two-ed25519\._domainkey\.example\.org\.\tIN\tTXT\t\( "v=DKIM1; k=ed25519; "/m, 'the second';
($status, $out) = dkim('zone', @conf, qw(--format json --ttl 3600 EXAMPLE.org));
like $out, qr/^\{"name":"example\.org\._domainkey\.example\.org","type":"TXT","ttl":3600,"value":"v=DKIM1/, 'JSON';
($status, $out) = dkim('zone', @conf, 'example.net');
is "$status $out", '0 ', 'another domain has none';

# What `check` says of a zone: the status, and the lines behind it.
my ($rsa_p, $other_p) = map { strings(slurp($_)) =~ /p=(\S+)$/ } 'DIR/example.org.txt', 'two.txt';
my $name = 'example.org._domainkey.example.org';
my $at = "$name. 3600 TXT";

sub txt { my ($text) = @_; $text =~ s/([\\"])/\\$1/g; return join ' ', map { qq("$_") } $text =~ /(.{1,200})/g }

for my $case (
    ['ready', txt("v=DKIM1; k=rsa; p=$rsa_p"), 0, 'ready', ''],
    ['g=*, as of old', txt("k=rsa; g=*; p=$rsa_p"), 0, 'ready', 'note: g= has no meaning any more (RFC 6376)'],
    ['nothing but p=', txt("p=$rsa_p;"), 0, 'ready', ''],
    ['a test', txt("v=DKIM1; t=y:s; p=$rsa_p"), 0, 'ready',
        "warning: t=y says that this is a test: who verifies may take the mail for unsigned; remove it when all is well\nnote: t=s: no identities (i=) in subdomains"],
    ['hashes', txt("v=DKIM1; h=sha1:sha256; p=$rsa_p"), 0, 'ready', ''],
    ['only sha1', txt("v=DKIM1; h=sha1; p=$rsa_p"), 1, 'faulty record',
        'error: h= leaves sha256 out, with which we sign: remove h='],
    ['another service', txt("v=DKIM1; s=tlsrpt; p=$rsa_p"), 1, 'faulty record',
        'error: s= excludes email: remove s='],
    ['another algorithm', txt("v=DKIM1; k=ed25519; p=$rsa_p"), 1, 'faulty record',
        'error: k= is not rsa, as this key is'],
    ['another key', txt("v=DKIM1; p=$other_p"), 1, "another key's record",
        'error: the record belongs to another key: publish the one of this key'],
    ['revoked', txt('v=DKIM1; p='), 1, 'revoked', 'error: p= is empty: the key is revoked'],
    ['a blank within', txt('v=DKIM1; p=' . substr($rsa_p, 0, 50) . ' ' . substr($rsa_p, 50)), 0, 'ready', ''],
    ['cut off', txt('v=DKIM1; p=MII%%'), 1, 'faulty record',
        'error: p= is no Base64: publish the record again, in one piece'],
    ['literal \;', txt("v=DKIM1\\; k=rsa\\; p=$rsa_p"), 1, 'faulty record',
        'error: a literal \; stands in the record: write ; without the backslash'],
    ['quotes', txt(qq("v=DKIM1; p=$rsa_p")), 1, 'faulty record',
        'error: quotes or parentheses stand in the record: publish the text between them'],
    ['a tag twice', txt("v=DKIM1; p=$rsa_p; p=$rsa_p"), 1, 'faulty record', 'error: the tag p= stands there twice: write NAME=VALUE; …, each name once'],
    ['v= behind', txt("k=rsa; v=DKIM1; p=$rsa_p"), 1, 'faulty record',
        'error: v= must come first and be DKIM1'],
    ['two keys', txt("v=DKIM1; p=$rsa_p") . "\n$at " . txt("v=DKIM1; p=$other_p"), 1, 'faulty record',
        'error: more than one key: remove all records but one'],
    ['something beside it', txt("v=DKIM1; p=$rsa_p") . "\n$at " . txt('v=spf1 -all'), 0, 'ready',
        'warning: there are other TXT records beside the key, which some verifiers do not bear: remove them'],
    ['something else', txt('v=spf1 -all'), 1, 'no record', 'error: no TXT record there is a key'],
) {
    my ($what, $text, $want, $state, $lines) = @$case;
    spew('zone', "$at $text\n");
    ($status, $out, $err) = dkim('check', @conf, qw(-s example.org --zone zone));
    is $status, $want, $what;
    is $out, "$name: $state (RSA, 1024 bits, 0 days old, TTL 3600 s)\n"
        . join('', map { "    $_\n" } split(/\n/, $lines), 'warning: a key of 1024 bits is weak: 2048 is usual'),
        'in words' or diag $err;
}

sub first { return (split /\n/, $_[0])[0] . "\n" . ((split /\n/, $_[0])[1] // '') }
spew('zone', "$name.example.org. TXT " . txt("v=DKIM1; p=$rsa_p") . "\n");
($status, $out) = dkim('check', @conf, qw(-s example.org --zone zone));
is $status, 1, 'the domain twice';
like $out, qr/^example\.org\._domainkey\.example\.org: no record \(RSA, 1024 bits, 0 days old\)\n    error: there is no such name: publish the record\n    error: example\.org\._domainkey\.example\.org\.example\.org: the domain is there twice: in the zone write the name with a dot at its end, or example\.org\._domainkey alone\n/, 'is found';
spew('zone', "\$SERVFAIL $name.\n");
($status, $out) = dkim('check', @conf, qw(-s example.org --zone zone));
is $status, 75, 'a dead name server';
like $out, qr/: unknown \(.*\n    error: the DNS cannot be asked: /, 'in words';
spew('zone', "$name. A 192.0.2.1\n");
($status, $out) = dkim('check', @conf, qw(-s example.org --zone zone));
is $status, 1, 'no record of that type';
like $out, qr/error: there is no TXT record at this name/, 'in words';

spew('zone', $zone);
($status, $out, $err) = dkim('check', @conf, qw(--zone zone));
is $status, 0, 'all keys, against what zone prints';
is 0 + (() = $out =~ /: ready \(/g), 2, 'all are ready';
($status, $out) = dkim('check', @conf, qw(--zone zone --json -s two-ed25519));
like $out, qr/^\{"name":"two-ed25519\._domainkey\.example\.org","state":"ready","algorithm":"ed25519-sha256","bits":256,"days":0,"ttl":300,"problems":\[\]\}\n\z/, '--json';
spew('none.conf', "postfix_config_directory =\n");
($status, $out, $err) = dkim(qw(check -c none.conf -d Example.ORG -s two-ed25519 -k two-ed25519.private --zone zone));
is $status, 0, 'a key without tables, as opendkim-testkey';
like $out, qr/^two-ed25519\._domainkey\.example\.org: ready \(Ed25519, 256 bits/, 'is ready';
($status, $out, $err) = dkim(qw(check -c none.conf --zone zone));
is $status, 78, 'no keys';
like $err, qr/names no keys/, 'in words';
($status, $out, $err) = dkim('check', @conf, qw(-s nonesuch --zone zone));
is $status, 1, 'no such key';
chmod 0644, 'two-ed25519.private';
($status, $out, $err) = dkim('check', @conf, qw(--zone zone));
is $status, 78, 'a key that everybody can read';
like $err, qr/^milter\.conf:2: error: two-ed25519\.private: everybody may read this private key \(mode 0644\): chmod 0600 two-ed25519\.private$/m, 'with the mend';
chmod 0600, 'two-ed25519.private';
my $old = time - 200 * 86400;
utime $old, $old, 'two-ed25519.private';
($status, $out) = dkim('check', @conf, qw(--zone zone -s two-ed25519));
like $out, qr/200 days old, TTL 300 s\)\n    warning: the key is 200 days old: think of a new one\n/, 'an old key';

# As the filter reads them; $as: another user asks.
our $as;
sub check {
    $child = fork // die;
    if ($child == 0) {
        open STDERR, '>', "$dir/err" or die;
        open STDOUT, '>', "$dir/out" or die;
        $< = $> = $as if defined $as;
        exec $tamis, 'check', @_ or die;
    }
    waitpid $child, 0;
    return ($? >> 8, slurp("$dir/err"));
}
($status, $err) = check(@conf, '-o', 'socket=unix:/tmp/none');
is $status, 0, 'tamis check reads them';
unlike $err, qr/socket/, 'a unix socket is fine';
($status, $err) = check(@conf, '-o', 'socket=inet:8894@192.0.2.1');
like $err, qr/^-o: warning: socket = inet:8894\@192\.0\.2\.1: whoever reaches it could ask for a signature with the keys: unix:PATH is the answer$/m, 'another is not';
spew('bad.conf', "KeyList KeyList\nsigning_key = example.org:x:none\n");
($status, $err) = check('-c', 'bad.conf', '-o', 'postfix_config_directory=');
is $status, 78, 'what cannot be used';
is $err, "bad.conf:1: error: KeyList is a setting of OpenDKIM or dkim-filter: write key_list = KeyList\n"
    . "bad.conf:2: error: none: No such file or directory: correct the path, or make the key with tamis dkim genkey\n",
    'all of it';

# With the rights of the service user.
if ($> == 0 && getpwnam('nobody')) {
    spew('user.conf', "user = nobody\npostfix_config_directory =\nsocket = unix:/tmp/none\n"
        . "signing_key = example.org:s:two.private\n");
    chmod 0755, $dir;
    ($status, $err) = check('-c', "$dir/user.conf");
    is $status, 78, "root's key, read by the service user";
    is $err, "$dir/user.conf:4: error: $dir/two.private: nobody cannot read it: chown nobody "
        . "$dir/two.private\n", 'with the mend';
    chown scalar getpwnam('nobody'), 0, 'two.private';
    ($status, $err) = check('-c', "$dir/user.conf");
    is $err, '', 'which helps';
    my $daemon = getpwnam 'daemon';
    if (defined $daemon && do { local $> = $daemon; -x $tamis }) {
        local $as = $daemon;
        ($status, $err) = check('-c', "$dir/user.conf");
        is $err, "$dir/user.conf:4: error: $dir/two.private: daemon cannot read it, and need not: run this "
            . "as root, or as nobody\n", 'another user is not told to take the key';
    }
    chmod 0700, $dir;
    ($status, $err) = check('-c', "$dir/user.conf");
    is $status, 78, 'a directory that it may not enter';
}

# The samples hold when they are put in force.
chdir $home;
my $top = abs_path($ENV{srcdir} // '.');
chdir $dir;
mkdir 'keys', 0700 or die;
mkdir 'keys/other.example', 0700 or die;
for my $table (qw(KeyTable SigningTable KeyList)) {
    my $text = slurp("$top/keys/$table");
    $text =~ s/^#(?! |$)//mg;
    like $text, qr/^[^#\n]/m, "$table has examples";
    spew("keys/$table", $text);
}
dkim('genkey', qw(-d example.org -t ed25519 -D), @$_)
    for ['keys', '-s', 'rsa2027'], ['keys', '-s', 'ed2027'], ['keys/other.example', '-s', 'mail'];
spew('sample.conf', "key_table = keys/KeyTable\nsigning_table = refile:keys/SigningTable\n"
    . "key_list = keys/KeyList\npostfix_config_directory =\nsocket = unix:/tmp/none\n");
($status, $err) = check('-c', 'sample.conf');
is $err, '', 'nothing to say about the samples';
($status, $out) = dkim('zone', '-c', 'sample.conf', '--format', 'line');
is join(' ', $out =~ /^(\S+)\t/mg), 'rsa2027._domainkey.example.org ed2027._domainkey.example.org '
    . 'mail._domainkey.other.example', 'their keys';

chdir $home;
done_testing;
