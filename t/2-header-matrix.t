#!/usr/bin/perl
# 2-header-matrix - every action of header_checks(5), in each list, for each direction, from each type of table
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;

alarm 600;

# The field or line that each list's rule is written for stands third in the header, last in it, in
# the attached message, and in its body.
my $mail = write_file('mail.eml', "From: a\@b.example\nSubject: s\nX-Head:key\nMIME-Version: 1.0\nContent-Type: message/rfc822\n"
    . "Content-ID:key\n\nX-Nest:key\n\nkey\n");
my %key = (header_checks => 'X-Head:key', mime_header_checks => 'Content-ID:key', nested_header_checks => 'X-Nest:key', body_checks => 'key');

# What a static table, which matches all, meets in each list: number in the header, name, value.
my %field = (
    header_checks => [[0, 'From', ' a@b.example'], [1, 'Subject', ' s'], [2, 'X-Head', 'key']],
    mime_header_checks => [[3, 'MIME-Version', ' 1.0'], [4, 'Content-Type', ' message/rfc822'], [5, 'Content-ID', 'key']],
);

# The action; how it ends; the edit of a field of the mail, INDEX, NAME and VALUE being its own; of a
# field inside the body; the words of the log for a field of the mail, for one inside, for a line.
# `-`: nothing; a word and `*`: for each that matches; (skipped): a warning.
my @actions = (
    ['REJECT', 'reject 550 5.7.1 message content rejected', '-', '-', 'reject', 'reject', 'reject'],
    ['REJECT no,  thanks', 'reject 550 5.7.1 no,  thanks', '-', '-', 'reject', 'reject', 'reject'],
    ['reject 5.7.9 go', 'reject 550 5.7.9 go', '-', '-', 'reject', 'reject', 'reject'],
    ['REJECT 4.7.1 x', 'tempfail 451 4.7.1 x', '-', '-', 'reject', 'reject', 'reject'],
    ['WARN w', 'accept', '-', '-', 'warning*', 'warning', 'warning'],
    ['INFO i', 'accept', '-', '-', 'info*', 'info', 'info'],
    ['DUNNO', 'accept', '-', '-', '-', '-', '-'],
    ['OK text', 'accept', '-', '-', '-', '-', '-'],
    ['PREPEND X-New: n', 'accept', 'prepend INDEX X-New: n', 'prepend 6 X-New: n', 'prepend*', 'prepend', '(skipped)'],
    ['REPLACE X-New: n', 'accept', 'replace INDEX X-New: n', '-', 'replace*', 'replace', '(skipped)'],
    ['IGNORE', 'accept', 'ignore INDEX NAME:VALUE', '-', '-', 'ignore', '(skipped)'],
    ['STRIP s', 'accept', 'strip INDEX NAME:VALUE', '-', 'strip*', 'strip', '(skipped)'],
    ['HOLD h', 'accept', 'hold h', 'hold h', 'hold', 'hold', 'hold'],
    ['DISCARD d', 'discard', '-', '-', 'discard', 'discard', 'discard'],
    ['REDIRECT r@x.example', 'accept', 'redirect r@x.example', 'redirect r@x.example', 'redirect', 'redirect', 'redirect'],
    ['BCC c@x.example', 'accept', 'bcc c@x.example', 'bcc c@x.example', 'bcc*', 'bcc', 'bcc'],
    ['PASS p', 'accept', '-', '-', 'pass', 'pass', 'pass'],
    ['FILTER smtp:x', 'accept', '-', '-', '(skipped)', '(skipped)', '(skipped)'],
    ['FROBNICATE', 'accept', '-', '-', '(skipped)', '(skipped)', '(skipped)'],
    ['550 no', 'accept', '-', '-', '(skipped)', '(skipped)', '(skipped)'],
);

my %table = (
    pcre => sub { 'pcre:' . write_file('rules', "/^\Q$_[0]\E\$/ $_[1]\n") },
    regexp => sub { 'regexp:' . write_file('rules', "/^$_[0]\$/ $_[1]\n") },
    texthash => sub { 'texthash:' . write_file('rules', lc($_[0]) . " $_[1]\n") },
    inline => sub { 'inline:{{' . lc($_[0]) . " = $_[1]}}" },
    static => sub { "static:{$_[1]}" },
);

# What must come of it: how it ends, the edits, the words of the log.
sub want {
    my ($action, $list, $type) = @_;
    my (undef, $end, $primary, $part, @words) = @$action;
    my $fields = $field{$list};
    my $word = $words[$fields ? 0 : $list eq 'body_checks' ? 2 : 1];
    my @fields = $fields ? $type eq 'static' ? @$fields : $fields->[2] : ();
    my @edits = $fields ? map { my $f = $_; $primary =~ s/INDEX/$f->[0]/r =~ s/NAME/$f->[1]/r =~ s/VALUE/$f->[2]/r } @fields
        : $list eq 'body_checks' && $part =~ /^prepend/ ? () : $part;
    my $times = $word =~ s/\*\z// ? @fields || 1 : 1;
    my %seen;

    return join ' | ', $end, (grep { $_ ne '-' && !(/^(hold|redirect|bcc)/ && $seen{$_}++) } @edits),
        '-' eq $word ? () : ($word) x $times;
}

sub got {
    my ($parameter, $spec, $client) = @_;
    my ($prefix, $kind) = $parameter =~ /^((?:incoming_|outgoing_)?)(\w+)\z/;

    # mime_ and nested_ are what header_checks is, where nobody says otherwise.
    my @others = grep { $_ ne $parameter } map { ("${prefix}$_") } qw(mime_header_checks nested_header_checks);
    my $conf = write_file('milter.conf', join "\n", 'postfix_config_directory =', 'authentication_results =', 'mynetworks = 10.0.0.0/8',
        (map { "$_ =" } @others), "$parameter = $spec", '');
    my ($out, $err) = run_tamis('', 'test', '-c', $conf, '--client', $client, '--json', $mail);
    my $said = eval { JSON::PP->new->utf8->decode($out) } or return "$out$err";
    my @edits = map { join ' ', $_->{op}, defined $_->{index} ? "$_->{index} $_->{name}:$_->{value}" : $_->{value} } @{ $said->{edits} };
    my @words = $err =~ /^tamis: (?:NOQUEUE: (\w+): (?:header|body) |warning: \S+:\d+: .*(; skipped)$)/mg;

    return join ' | ', $said->{action} =~ /^(?:accept|discard)\z/ ? $said->{action} : "@$said{qw(action code dsn text)}", @edits,
        map { s/; skipped/(skipped)/r } grep { defined } @words;
}

my %client = (incoming => '192.0.2.1', outgoing => '10.0.0.1');
my $count = 0;
for my $type (sort keys %table) {
    for my $list (sort keys %key) {
        my @bad;
        for my $action (@actions) {
            my $spec = $table{$type}->($key{$list}, $action->[0]);
            for my $prefix ('', 'incoming_', 'outgoing_') {
                for my $direction (qw(incoming outgoing)) {
                    my $meant = $prefix eq '' || $prefix eq "${direction}_";
                    my $want = $meant ? want($action, $list, $type) : 'accept';
                    my $got = got("$prefix$list", $spec, $client{$direction});
                    $count++;
                    push @bad, "$prefix$list $action->[0] ($direction): $got\n    want: $want" if $got ne $want;
                }
            }
        }
        is join("\n", @bad), '', "$list, $type";
    }
}
is $count, 20 * 4 * 3 * 2 * 5, 'all of them';
done_testing;
