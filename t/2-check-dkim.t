#!/usr/bin/perl
# 2-check-dkim - what tamis check says of rules on DKIM and of keys
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Guard qw(run_command);
use Tamis::Session;
use Test::More;

alarm 60;

# What is said about a configuration, a line each without its place; and the exit status.
sub check {
    my ($conf) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\n$conf\n");
    my ($out, $err, $status) = run_tamis('', 'check', '-c', $path);
    my @said = map { s/^\S*?milter\.conf:\d+: //r } split /\n/, $err;
    return ($status, @said);
}

sub says {
    my ($conf, $status, @want) = @_;
    my ($got, @said) = check($conf);
    is($got, $status, "$conf: status");
    is_deeply(\@said, \@want, "$conf: what is said");
}

my $LISTS = 'refuses what mailing lists and forwarders pass on, because they change mail under its first '
    . 'signature: hold_dkim_fail looks at it, a table in front of it makes exceptions';
says('end_of_data_restrictions = reject_dkim_fail', 0, "warning: reject_dkim_fail: $LISTS");
says('end_of_data_restrictions = defer_dkim_fail', 0, "warning: defer_dkim_fail: $LISTS");
says('incoming_end_of_data_restrictions = reject_dkim_fail', 0, "warning: reject_dkim_fail: $LISTS");
says("restriction_classes = careful\ncareful = reject_dkim_fail\nend_of_data_restrictions = careful", 0,
    "warning: reject_dkim_fail: $LISTS");
says('end_of_data_restrictions = warn_if_reject reject_dkim_fail, hold_dkim_fail', 0);
says('end_of_data_restrictions = reject_dkim_policy', 0, 'warning: reject_dkim_policy: refuses honest mail with an old or '
    . 'partial signature, which RFC 6376 wants taken as unsigned; mailing lists add to partly signed mail');
says('end_of_data_restrictions = reject_dkim_permerror', 0, 'warning: reject_dkim_permerror: refuses honest mail whose key '
    . 'was withdrawn or mistyped, or whose signature a mailing list broke; RFC 6376 wants such mail taken as unsigned');
says('end_of_data_restrictions = reject_dkim_none', 0, 'warning: reject_dkim_none: refuses all mail that is not signed');
says('end_of_data_restrictions = permit_dkim_pass, reject', 0, 'warning: permit_dkim_pass: nothing behind it is asked about '
    . 'anybody who signs his mail with a domain of his own, and spammers do: say for whose domains, with check_dkim_access TYPE:TABLE');
says('end_of_data_restrictions = permit_dkim_none, reject', 0, 'warning: permit_dkim_none: nothing behind it is asked about '
    . 'mail without a good signature, which everybody can send: leave it out');
says('end_of_data_restrictions = permit_dkim_pass', 0);
says('end_of_data_restrictions = reject_dkim_temperror', 0);
my ($status, @said) = check('recipient_restrictions = reject_dkim_fail');
is $status, 78, 'before the end of the data nobody knows';
is $said[0], 'error: recipient_restrictions: reject_dkim_fail: needs the whole mail: move it to end_of_data_restrictions',
    'and it says where it belongs';

my $dir = write_file('any', '') =~ s{/any\z}{}r;
my ($made) = run_command([$ENV{TAMIS} // './tamis', qw(dkim genkey -t ed25519 -d example.org -s s -D), $dir]);
is $made, 0, 'a key';
my $key = "socket = unix:$dir/sock\nsigning_key = example.org:s:$dir/s.private";
says("$key\nmode = observe", 0, 'warning: mode = observe signs nothing, though there are keys: mode = annotate signs and refuses nothing');
says("$key\nmode = annotate", 0);
says("$key\nmode = enforce", 0);
says('mode = observe', 0);

done_testing();
