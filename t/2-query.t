#!/usr/bin/perl
# 2-query - tamis query: what it prints, its exit status, the keys of access(5), mails on standard input
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 120;
my $conf = write_file('milter.conf', "postfix_config_directory =\nsmtputf8_enable = yes\nrecipient_delimiter = +\nmyorigin = here.example\n");

# One run: standard input, arguments; wanted output, status, and standard error (a text, a pattern,
# or undef: any).
sub query {
    my ($name, $in, $args, $out, $status, $err) = @_;
    my @got = run_tamis($in, 'query', '-c', $conf, @$args);
    is($got[0], $out, "$name: output");
    is($got[2], $status, "$name: status");
    ref $err ? like($got[1], $err, "$name: standard error")
        : is($got[1], $err, "$name: standard error") if defined $err;
}

my $hash = write_file('hash', <<"END");
# comment
a\@x.example     REJECT  two  words
B\@X.example
    OK
x.example       parent
192.0.2         network
2001:db8        six
unknown         nameless
user@            local part
root\@here.example  root
<>              null
END
my $cidr = write_file('cidr', "192.0.2.0/24 net\n192.0.2.7 never\n");
my $pcre = write_file('pcre', "/^(\\S+)\@x\\.example\$/ REJECT \$1\n/empty/\n/latin/ \xe9\n/^(a+)+\$/ slow\n");

query('found', '', ["texthash:$hash", 'a@x.example'], "REJECT  two  words\n", 0, '');
query('folded', '', ["hash:$hash", 'b@X.EXAMPLE'], "OK\n", 0, '');
query('not found', '', ["texthash:$hash", 'c@x.example'], '', 1, '');
query('proxy', '', ["proxy:texthash:$hash", 'x.example'], "parent\n", 0, '');
query('verbose', '', ['-v', "texthash:$hash", 'b@x.example'], "OK\n", 0, "$hash:3: B\@X.example    OK\n");
query('substitution', '', ['-v', "pcre:$pcre", 'j@x.example'], "REJECT j\n", 0,
    qr{^\Q$pcre\E:1: /\^\(\\S\+\)\@x\\\.example\$/ REJECT \$1$}m);
query('options behind', '', ["cidr:$cidr", '192.0.2.7', '-v'], "net\n", 0, "$cidr:1: 192.0.2.0/24 net\n");
query('static', '', ['-v', 'static:OK', 'any'], "OK\n", 0, "static:OK: OK\n");
query('a list of keys', "c\nA\@x.example\n\nx.example", ["texthash:$hash", '-'],
    "A\@x.example\tREJECT  two  words\nx.example\tparent\n", 0, '');
query('a list of keys, none found', "c\nd\n", ["texthash:$hash", '-'], '', 1, '');
query('an empty list', '', ["texthash:$hash", '-'], '', 1, '');
query('verbose list', "b\@x.example\n", ['-v', "texthash:$hash", '-'], "b\@x.example\tOK\n", 0,
    "$hash:3: B\@X.example    OK\n");

# --- what cannot be answered
query('empty result', '', ["pcre:$pcre", 'empty'], "\n", 0, qr/key empty: the result is empty/);
query('result not UTF-8', '', ["pcre:$pcre", 'latin'], '', 75, qr/key latin: the value is not UTF-8/);
query('an error ends a list', "latin\nj\@x.example\n", ["pcre:$pcre", '-'], '', 75);
query('key not UTF-8', '', ["pcre:$pcre", "\xe9\@x.example"], '', 1, qr/not UTF-8: not looked up/);
query('limits are those of the configuration', '', ['-o', 'pcre_match_limit=1000', "pcre:$pcre", 'a' x 28 . 'b'],
    '', 1, qr{\Q$pcre\E:4: counts as not matched});
query('no file', '', ['texthash:/nonexistent', 'a'], '', 78, qr{^error: /nonexistent: no such file});
query('a directory', '', ['texthash:/', 'a'], '', 78, qr{^error: /: });
query('unknown type', '', ['frob:x', 'a'], '', 78, qr/unknown table type "frob"/);
query('a type of Postfix\'s', '', ['mysql:x', 'a'], '', 78, qr/does not read tables of type mysql/);
query('a broken line', '', ['texthash:' . write_file('broken', "key\nb OK\n"), 'b'], "OK\n", 0, qr/broken:1: warning: /);
query('a broken line, strict', '', ['-o', 'strict_tables=yes', "texthash:" . workdir() . '/broken', 'b'], '', 78,
    qr/broken:1: error: /);
query('an unusable configuration', '', ['-o', 'nonsense=1', "texthash:$hash", 'x.example'], '', 78, qr/nonsense/);
query('usage', '', @$_) for [["texthash:$hash"], '', 64], [["texthash:$hash", 'a', 'b'], '', 64],
    [['-h', "texthash:$hash", 'a'], '', 64, qr/need the key -/], [['--as', 'x', "texthash:$hash", 'a'], '', 64],
    [['--as', 'helo', '-h', "texthash:$hash", '-'], '', 64];

# --- a relative name is relative to where we are
{
    my $tamis = $ENV{TAMIS} // './tamis';
    my $here = workdir();
    $tamis = `pwd` =~ s/\n//r . "/$tamis" if $tamis !~ m{^/};
    is(`cd $here && $tamis query -c $conf texthash:hash x.example 2>&1`, "parent\n", 'relative name');
}

# --- the keys of access(5): those tried, then what is found
sub keys_are {
    my ($class, $key, $keys, $out, $status, $table) = @_;
    my $want = join '', map { /^(.*)=$/ ? "key $1: found\n" : "key $_: not found\n" } @$keys;
    my ($got, $err, $got_status) = run_tamis('', 'query', '-c', $conf, '-v', '--as', $class, $table // "texthash:$hash", $key);
    is($got, $out, "$class $key: output");
    is($got_status, $status, "$class $key: status");
    is(join('', grep { /^key / } split /^/, $err), $want, "$class $key: keys");
}

keys_are('client', 'H.sub.X.example', [qw(H.sub.X.example sub.X.example X.example=)], "parent\n", 0);
keys_are('client', 'h.y.example[192.0.2.33]', [qw(h.y.example y.example example 192.0.2.33 192.0.2=)], "network\n", 0);
keys_are('client', 'unknown[192.0.2.33]', ['unknown='], "nameless\n", 0);
keys_are('client', '198.51.100.1', [qw(198.51.100.1 198.51.100 198.51 198)], '', 1);
keys_are('client', '[192.0.2.1]', [qw(192.0.2.1 192.0.2=)], "network\n", 0);
keys_are('client', '2001:DB8:0:1:0:0:0:25', ['2001:db8:0:1::25', '2001:db8:0:1:', '2001:db8:0:1', '2001:db8:0', '2001:db8='], "six\n", 0);
keys_are('client', 'h.example[192.0.2.7]', [qw(h.example 192.0.2.7=)], "net\n", 0, "cidr:$cidr");
keys_are('helo', '[192.0.2.7]', ['[192.0.2.7]', '0.2.7]', '2.7]', '7]'], '', 1);
keys_are('helo', '192.0.2.7', ['192.0.2.7'], '', 1);
keys_are('sender', 'User+Ext@Sub.Y.example', [qw(user+ext@sub.y.example user@sub.y.example sub.y.example y.example
    example user+ext@ user@=)], "local part\n", 0);
keys_are('sender', '<>', ['<>='], "null\n", 0);
keys_are('sender', '', ['<>='], "null\n", 0);
keys_are('sender', 'root', ['root@here.example='], "root\n", 0);
keys_are('recipient', '<"a b"@y.example>', ['"a b"@y.example', 'a b@y.example', 'y.example', 'example', '"a b"@', 'a b@'], '', 1);
keys_are('recipient', 'postmaster', [], '', 1);
keys_are('recipient', 'joe', [qw(joe@here.example here.example example joe@)], '', 1);
keys_are('recipient', 'A@x.example', ['a@x.example='], "REJECT a\n", 0, "pcre:$pcre");
query('the other style of parents', '', ['-o', 'parent_domain_matches_subdomains=', '-v', '--as', 'helo', "texthash:$hash", 'a.b.c'],
    '', 1, "key a.b.c: not found\nkey .b.c: not found\nkey .c: not found\n");
query('a list of clients', "192.0.2.9\nnone.invalid\n", ['--as', 'client', "texthash:$hash", '-'], "192.0.2.9\tnetwork\n", 0, '');

# --- mails
my $show = write_file('show', "/^(Subject|X-[^:]*):(.*)/ <\$2>\n/^Content-/ mime\n/^\$/ empty\n/^--/ boundary\n/text/ text\n");
my $mail = <<'END';
Subject: one
	two
From: a@b
Content-Type: multipart/mixed; boundary=xx

--xx
Content-Type: message/rfc822
X-Part: p

Subject: nested

text
--xx--
END
my $primary = "Subject: one\n\ttwo\t< one\n\ttwo>\nContent-Type: multipart/mixed; boundary=xx\tmime\n";
my $parts = "Content-Type: message/rfc822\tmime\nX-Part: p\t< p>\nSubject: nested\t< nested>\n";
query('-h', $mail, ['-h', "regexp:$show", '-'], $primary, 0, '');
query('-hm', $mail, ['-hm', "regexp:$show", '-'], $primary . $parts, 0, '');
query('-h -m, behind', $mail, ["pcre:$show", '-', '-h', '-m'], $primary . $parts, 0, '');
query('-b', $mail, ['-b', "regexp:$show", '-'], "\tempty\n--xx\tboundary\nContent-Type: message/rfc822\tmime\n"
    . "X-Part: p\t< p>\n\tempty\nSubject: nested\t< nested>\n\tempty\ntext\ttext\n--xx--\tboundary\n", 0, '');
query('-bm', $mail, ['-bm', "regexp:$show", '-'], "\tempty\n--xx\tboundary\n\tempty\n\tempty\ntext\ttext\n--xx--\tboundary\n", 0, '');
query('-m alone', "text\n", ['-m', "regexp:$show", '-'], "text\ttext\n", 0, qr/-m without -h or -b is ignored/);
query('-hm, none', "A: b\n\nSubject: x\n", ['-hm', "regexp:$show", '-'], '', 1, '');
query('-h, verbose', "X-A: b\n\n", ['-hv', "regexp:$show", '-'], "X-A: b\t< b>\n", 0, "$show:1: /^(Subject|X-[^:]*):(.*)/ <\$2>\n");
query('headers need not be UTF-8', "X-A: \xe9\n", ['-h', "regexp:$show", '-'], "X-A: \xe9\t< \xe9>\n", 0, '');
query('headers end at the limit', 'X-A: ' . "b\n c" x 400 . "\n", ['-h', '-o', 'header_size_limit=1000', 'regexp:' .
    write_file('any', "/./ y\n"), '-'], 'X-A: b' . "\n cb" x 249 . "\ty\n", 0, '');
query('an error ends a mail', "Subject: empty latin\n", ['-h', 'pcre:' . write_file('fail', "/empty/ \n"), '-'],
    "Subject: empty latin\t\n", 0, qr/the result is empty/);

done_testing;
