#!/usr/bin/perl
# 6-spf - rules on SPF in the live filter, asked of a name server: replies, the deadline, few questions
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use IPC::Open2 qw(open2);
use Tamis::Filter;
use Tamis::Guard qw(temp_dir);
use Tamis::Mta;
use Test::More;

alarm 120;

my $dir = temp_dir();
open my $script, '>', "$dir/script" or die;
print $script <<'END';
fail.example       TXT "v=spf1 -all exp=why.fail.example"
why.fail.example   TXT "100%% no: http://w.example/%{i}?a=%%20"
pass.example       TXT "v=spf1 ip4:192.0.2.0/24 -all"
perm.example       TXT "v=spf1 ip4:192.0.2 -all"
broken.example     TXT servfail
silent.example     TXT silence
late.example       MX 10 mx.late.example
END
close $script or die;
my $pid = open2(my $from, my $to, $^X, "-I$ENV{srcdir}/t/lib", '-MTamis::Dns', '-e', 'Tamis::Dns::main',
    "$dir/script", "$dir/asked");
chomp(my $port = <$from>);

my $filter = Tamis::Filter->new(conf => <<"END")->start;
mode = enforce
dns_servers = 127.0.0.1\@$port
stage_time_limit = 2s
myhostname = mx.here.example
mynetworks = 10.0.0.0/8
spf_exempt_domains = friend.example
sender_restrictions = reject_spf_fail, reject_spf_permerror, reject_spf_temperror
END

my $mta = Tamis::Mta->connect($filter->milter);
$mta->connect_info('unknown', 4, 40000, '192.0.2.7');
$mta->helo('fail.example');

# The reply to RCPT for a sender, "ok" when there is none.
sub reply_to {
    my ($sender) = @_;
    $mta->mail("<$sender>", '{mail_addr}' => $sender);
    my $reply = $mta->rcpt('<u@here.example>');
    $mta->abort;
    return $reply->{action} eq 'continue' ? 'ok' : $reply->{text} // $reply->{action};
}

is reply_to('a@pass.example'), 'ok', 'pass';
is reply_to('a@fail.example'), '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 192.0.2.7 is not allowed to '
    . 'send for fail.example; fail.example says: 100% no: http://w.example/192.0.2.7?a=%20', 'fail: % arrives as it was meant';
is reply_to(''), '550 5.7.23 <>: Sender address rejected: SPF fail: 192.0.2.7 is not allowed to '
    . 'send for fail.example; fail.example says: 100% no: http://w.example/192.0.2.7?a=%20', 'the null sender';
is reply_to('a@perm.example'), '550 5.7.24 <a@perm.example>: Sender address rejected: SPF permerror: perm.example: '
    . 'bad term in the record: ip4:192.0.2', 'permerror';
is reply_to('a@broken.example'), '451 4.7.24 <a@broken.example>: Sender address rejected: SPF temperror: '
    . 'the DNS did not answer for broken.example', 'temperror';
is reply_to('a@silent.example'), '451 4.7.24 <a@silent.example>: Sender address rejected: SPF temperror: '
    . 'the DNS did not answer for silent.example', 'no answer: temporary, after stage_time_limit';
is reply_to('a@friend.example'), 'ok', 'a domain that is exempt';
$mta->quit;

# Whom nobody asks about.
for my $client ('127.0.0.1', '10.1.2.3') {
    my $m = Tamis::Mta->connect($filter->milter);
    $m->connect_info('unknown', 4, 40000, $client);
    $m->helo('h.example');
    $m->mail('<a@unasked.example>', '{mail_addr}' => 'a@unasked.example');
    is $m->rcpt('<u@here.example>')->{action}, 'continue', "$client passes";
    $m->quit;
}

is $filter->stop, 0, 'the filter ends well';

# However long the mail took to come, at its end there is stage_time_limit again.
$filter = Tamis::Filter->new(conf => <<"END")->start;
mode = enforce
dns_servers = 127.0.0.1\@$port
stage_time_limit = 1s
early_lookups = no
end_of_data_restrictions = reject_unknown_sender_domain
END
$mta = Tamis::Mta->connect($filter->milter);
$mta->connect_info('unknown', 4, 40000, '192.0.2.7');
$mta->helo('h.example');
$mta->mail('<a@late.example>', '{mail_addr}' => 'a@late.example');
$mta->rcpt('<u@here.example>');
$mta->data;
select undef, undef, undef, 1.5; # longer than stage_time_limit
is $mta->content("Subject: x\n\nx\n")->{action}, 'continue', 'a mail that took longer than stage_time_limit to come';
$mta->quit;
is $filter->stop, 0, 'the filter ends well';
close $to;
waitpid $pid, 0;
open my $asked, '<', "$dir/asked" or die;
my @asked = <$asked>;
ok !(grep { /unasked|friend/ } @asked), 'nothing was asked about those who are exempt';
ok scalar(grep { /fail\.example/ } @asked), 'and the others were';

done_testing();
